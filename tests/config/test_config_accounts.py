"""A platform's own table is the account main; a table below it is another, and inherits nothing."""

from __future__ import annotations

import pytest

from hermes_trio.config.load import load
from hermes_trio.errors import ConfigWrong
from hermes_trio.ports.platform import Adapter
from tests.config.adapters import PigeonOptions, TerminalOptions, never_built

ENVIRON = {"HOME": "/home/ada", "OPENAI_API_KEY": "sk-1", "ONE": "coo-1234", "OTHER": "coo-5678"}
MAIN = '[platforms.pigeon]\ntoken = "env:ONE"\nfeed = "wheat"\n'
SECOND = '[platforms.pigeon.second]\ntoken = "env:OTHER"\n'


def accounts(read, text):
    return {account.id: account.options for account in read(text, ENVIRON).accounts}


def test_one_table_is_the_account_main(read):
    assert list(accounts(read, MAIN)) == ["pigeon/main"]


@pytest.mark.parametrize("text", [MAIN + SECOND, SECOND + MAIN])
def test_a_table_below_it_is_another_account_and_inherits_nothing(read, text):
    found = accounts(read, text)
    assert list(found) == ["pigeon/main", "pigeon/second"]
    assert found["pigeon/main"].feed == "wheat"
    assert found["pigeon/second"].feed == "corn"
    assert found["pigeon/second"].token.reveal() == "coo-5678"


def test_a_named_account_needs_no_main(read):
    assert list(accounts(read, SECOND)) == ["pigeon/second"]


def test_a_header_without_keys_is_an_account_all_the_same(read):
    assert list(accounts(read, "[platforms.terminal]\n[platforms.terminal.door]\n")) == [
        "terminal/main",
        "terminal/door",
    ]
    assert list(accounts(read, "[platforms.terminal.door]\n")) == ["terminal/door"]


def test_the_secrets_of_every_account_are_known(read):
    secrets = {secret.reveal() for secret in read(MAIN + SECOND, ENVIRON).secrets}
    assert {"coo-1234", "coo-5678"} <= secrets


def test_what_is_missing_is_missing_though_main_has_it(refused):
    assert refused(MAIN + "[platforms.pigeon.second]\n", ENVIRON) == [
        "hermes.toml:4: platforms.pigeon.second.token: is missing and has no default"
    ]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[platforms.pigeon.main]\ntoken = "env:OTHER"', "main: [platforms.pigeon] is this account"),
        (
            '[platforms.pigeon."Ada\'s"]\ntoken = "env:OTHER"',
            '"Ada\'s": is no name of an account: small letters, digits, - and _, at most 32',
        ),
        (
            '[platforms.pigeon.second]\ntoken = "env:OTHER"\nfed = 1',
            "second.fed: unknown key; did you mean feed?",
        ),
    ],
)
def test_what_is_wrong_with_an_account_is_said_of_its_own_table(refused, more, said):
    [line] = refused(MAIN + more, ENVIRON)
    assert line.partition(": platforms.pigeon.")[2] == said


def test_what_two_accounts_may_not_share_is_refused_and_not_shown(tmp_path):
    adapters = {
        "pigeon": lambda: Adapter(
            "pigeon", PigeonOptions, never_built, alone=lambda options: {"token": options.token.reveal()}
        ),
        "terminal": lambda: Adapter("terminal", TerminalOptions, never_built, alone=lambda options: {"": 0}),
    }
    path = tmp_path / "hermes.toml"

    def said(text):
        path.write_text(text)
        with pytest.raises(ConfigWrong) as caught:
            load(path, environ=ENVIRON, adapters=adapters, tools=("now", "sleep"))
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    same = '[platforms.pigeon.second]\ntoken = "env:ONE"\n'
    assert said(MAIN + same) == [
        "hermes.toml:5: platforms.pigeon.second.token:"
        " [platforms.pigeon] has the same; each account needs its own"
    ]
    assert said("[platforms.terminal]\n[platforms.terminal.door]\n") == [
        "hermes.toml:2: platforms.terminal.door: [platforms.terminal] is the one there can be"
    ]
