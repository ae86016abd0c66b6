"""Slash commands as text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.intake.slash import is_command, take_apart
from hermes_trio.text.nearest import nearest


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("/new", "new", ""),
        ("/NEW", "new", ""),
        ("/queue  buy milk ", "queue", "buy milk"),
        ("/queue\nbuy\nmilk", "queue", "buy\nmilk"),
        ("/a_b-c x", "a_b-c", "x"),
        ("/New@Other_Bot", "new@other_bot", ""),
        ("/new@other_bot now", "new@other_bot", "now"),
    ],
)
def test_a_command_is_taken_apart(text, name, rest):
    assert is_command(text)
    assert take_apart(text) == (name, rest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "//",
        "/ new",
        "new",
        " /new",
        "/etc/hosts is broken",
        "/1",
        "/new.",
        "/new/old",
        "/" + "x" * 33,
        "/é",
        "/new@",
        "/new@two@bots",
        "/@bot",
    ],
)
def test_what_is_no_command(text):
    assert not is_command(text)
    with pytest.raises(ValueError, match="not a command"):
        take_apart(text)


@given(st.text())
def test_any_text_is_a_command_or_not(text):
    if is_command(text):
        name, rest = take_apart(text)
        assert name == name.lower()
        assert rest == rest.strip()


@pytest.mark.parametrize(("word", "near"), [("statu", "status"), ("stpo", "stop"), ("zzz", None), ("", None)])
def test_nearest(word, near):
    assert nearest(word, ["new", "status", "stop", "help"]) == near
