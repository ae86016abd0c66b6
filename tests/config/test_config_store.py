"""Where the store is: a file of the state_dir, or a database whose password nobody writes out or sees."""

from __future__ import annotations

import re
import socket

import pytest

from hermes_trio.config.store_url import EXTRA
from hermes_trio.runtime.redaction import Redactor

WHOLE = "postgresql://hermes:s3cret%2Fpass@db.example.com/hermes"
ENVIRON = {"DATABASE_URL": WHOLE}
ECHO = '[model]\nprovider = "echo"\n'


def store(url, more=""):
    return f"{ECHO}[store]\nurl = '{url}'\n{more}"


def test_without_a_url_it_is_the_file(read):
    config = read(ECHO)
    assert not config.store.url
    assert config.store.name == socket.gethostname()
    assert config.store.lease_s == 15


@pytest.mark.parametrize("url", ["postgresql://db/hermes", "postgres://hermes@/x?host=/run/postgresql"])
def test_a_url_without_a_password_may_be_written_out(read, url):
    config = read(store(url, 'node = "frankfurt-1"\nlease_s = 30\n'))
    assert config.store.url.reveal() == url
    assert (config.store.name, config.store.lease_s) == ("frankfurt-1", 30)


def test_a_url_comes_from_a_variable_or_a_file(read, tmp_path):
    (tmp_path / "url").write_text(f"{WHOLE}\n")
    assert read(store("env:DATABASE_URL"), ENVIRON).store.url.reveal() == WHOLE
    assert read(store("file:url")).store.url.reveal() == WHOLE


def test_its_password_is_shown_nowhere_in_whatever_form(read):
    config = read(store("env:DATABASE_URL"), ENVIRON)
    redact = Redactor(config.secrets)
    for said in (WHOLE, "pass s3cret%2Fpass", "pass s3cret/pass", repr(config), str(config.store)):
        assert "s3cret" not in redact(said)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@db/x",
        "postgresql://u@db/x?password=s3cret",
        "postgresql://db/x?sslpassword=s3cret",
    ],
)
def test_a_password_that_is_written_out_is_refused_and_not_shown(refused, url):
    [line] = refused(store(url))
    assert line.startswith("hermes.toml:4: store.url: holds a password, which is not written out here")
    assert "s3cret" not in line


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("mysql://db/x", "must be a url like"),
        ("postgresql://u:s3c@ret@db/x", "in a password write @ as %40"),
        ("postgresql://u:s3c/ret@db/x", "in a password write @ as %40, / as %2F"),
        ("postgresql://u:s3cret%zz@db/x", "a % that is not written as %25"),
        ("postgresql://db/x?hots=y", "a parameter it does not know"),
    ],
)
def test_a_url_that_is_none_is_refused_and_not_shown(refused, url, why):
    [line] = refused(store("env:DATABASE_URL"), {"DATABASE_URL": url})
    assert why in line
    assert not re.search("s3c|ret@|mysql|hots", line)


def test_a_variable_that_is_not_set_is_named(refused):
    assert refused(store("env:DATABASE_URL"), {}) == [
        "hermes.toml:4: store.url: the environment variable DATABASE_URL is not set"
    ]


@pytest.mark.parametrize("lease_s", [5.9, 301])
def test_a_lease_is_long_enough_to_be_renewed_and_short_enough_to_be_waited_for(refused, lease_s):
    assert refused(store("postgresql://db/x", f"lease_s = {lease_s}\n")) == [
        "hermes.toml:5: store.lease_s: must be a number of seconds, 6 to 300"
    ]


@pytest.mark.parametrize("node", ["a b", "-a", "a" * 64, "ä"])
def test_a_node_has_a_plain_name(refused, node):
    [line] = refused(store("postgresql://db/x", f'node = "{node}"\n'))
    assert line.startswith("hermes.toml:5: store.node: must be a name of at most 63")


def test_without_the_extra_the_line_says_what_to_install(refused, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    [line] = refused(store("postgresql://db/x"))
    assert line.startswith(f"hermes.toml:4: store.url: {EXTRA}")
