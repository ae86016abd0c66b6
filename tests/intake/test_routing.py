"""What the inbox decides before anything is written."""

from __future__ import annotations

import pytest

from hermes_trio.intake.routing import allowed, decide, key_of, wait_s
from hermes_trio.values.delivery import Capabilities
from hermes_trio.values.identity import Address, ConversationKey, Policy
from hermes_trio.values.message import Message, Undecodable

ANYBODY = Policy(allow_users=("*",))
HEARS_ALL = Policy(allow_users=("*",), require_mention=False)
CAPABILITIES = Capabilities(text_max=4096, unit="utf16")


def message(text="hello", *, user="7", thread=None, **more) -> Message:
    return Message(native="1", address=Address("telegram", "main", "-100", thread, user), text=text, **more)


def in_group(text) -> Message:
    return message(text, private=False, addressed=False)


@pytest.mark.parametrize(
    ("user", "policy", "may"),
    [
        ("7", Policy(), False),
        ("7", Policy(allow_users=("7",)), True),
        ("77", Policy(allow_users=("7",)), False),
        ("7", Policy(admins=("7",)), True),
        (None, Policy(allow_users=("7",)), False),
        (None, Policy(allow_users=("None",)), False),
        ("7", ANYBODY, True),
        (None, ANYBODY, True),
        # Only spelled out alone does it mean anybody.
        ("7", Policy(allow_users=("*", "8")), False),
        ("*", Policy(allow_users=("8",)), False),
    ],
)
def test_allowed(user, policy, may):
    assert allowed(user, policy) is may


@pytest.mark.parametrize(
    ("update", "policy", "kind", "outcome", "reason"),
    [
        (message(), ANYBODY, "message", None, ""),
        (message("/new"), ANYBODY, "command", None, ""),
        (message("/new", choice="1.1.0"), ANYBODY, "message", None, ""),
        (message(bot=True), ANYBODY, "message", "dropped", "bots"),
        (in_group("/new@otherbot"), HEARS_ALL, "message", "dropped", "another_bot"),
        (in_group("/new@otherbot"), ANYBODY, "message", "dropped", "another_bot"),
        (message("/new@otherbot"), ANYBODY, "command", None, ""),
        (message("/new@otherbot", private=False, addressed=True), ANYBODY, "command", None, ""),
        (in_group("/new@otherbot now"), HEARS_ALL, "message", "dropped", "another_bot"),
        (in_group("mail /new@otherbot"), HEARS_ALL, "message", None, ""),
        (message(), Policy(), "message", "dropped", "allow_users"),
        (message("/new"), Policy(), "message", "dropped", "allow_users"),
        (message(private=False, addressed=False), ANYBODY, "message", "dropped", "require_mention"),
        (message(private=False, addressed=True), ANYBODY, "message", None, ""),
        (message(private=False, addressed=False, choice="1"), ANYBODY, "message", None, ""),
        (in_group("hello"), HEARS_ALL, "message", None, ""),
        (Undecodable(native="1", why="x", raw=b"y"), ANYBODY, "undecodable", "failed", "decode: x"),
        (message("lone \ud800"), ANYBODY, "message", None, ""),
    ],
)
def test_decide(update, policy, kind, outcome, reason):
    decided = decide(update, policy, "user", CAPABILITIES)
    assert (decided.kind, decided.outcome, decided.reason) == (kind, outcome, reason)


@pytest.mark.parametrize(
    ("thread", "private", "scope", "key"),
    [
        (None, True, "user", ConversationKey("telegram", "main", "-100")),
        (None, False, "user", ConversationKey("telegram", "main", "-100", None, "7")),
        (None, False, "chat", ConversationKey("telegram", "main", "-100")),
        ("2", False, "user", ConversationKey("telegram", "main", "-100", "2")),
        ("2", True, "user", ConversationKey("telegram", "main", "-100", "2")),
    ],
)
def test_key_of(thread, private, scope, key):
    assert key_of(Address("telegram", "main", "-100", thread, "7"), private, scope) == key


def test_a_key_prints_its_parts():
    assert str(ConversationKey("telegram", "main", "-100123", "2")) == "telegram/main/-100123/2"


@pytest.mark.parametrize(
    ("text", "album", "seconds"),
    [
        ("hello", None, 0.0),
        ("x" * 3999, None, 0.0),
        ("x" * 4000, None, 0.6),
        ("x" * 4096, None, 0.6),
        # Counted as the platform counts: two units each.
        ("😀" * 2000, None, 0.6),
        ("😀" * 1999, None, 0.0),
        ("hello", "a", 0.8),
    ],
)
def test_only_what_may_be_a_fragment_waits(text, album, seconds):
    assert wait_s(message(text, album=album), CAPABILITIES) == seconds


def test_a_forwarded_command_is_a_message():
    assert decide(message("/restart"), ANYBODY, "user", CAPABILITIES).kind == "command"
    assert decide(message("/restart", forwarded="Mallory"), ANYBODY, "user", CAPABILITIES).kind == "message"
    assert decide(message("/restart", forwarded=""), ANYBODY, "user", CAPABILITIES).kind == "message"
