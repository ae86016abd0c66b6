"""What an agent function or a command may return."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Silence(Struct, frozen=True):
    """The agent chose to say nothing. Typed, never a magic word.

    Args:
        reason: for the log and the ledger.
    """

    reason: str


class Reset(Struct, frozen=True):
    """What a command asks for: end this session and open the next.

    Args:
        why: for the log, and for `sessions --all`.
    """

    why: str = "asked"


class Stop(Struct, frozen=True):
    """What a command asks for: stop the running turn.

    Args:
        everything: its background programs too.
    """

    everything: bool = False


class Say(Struct, frozen=True):
    """What a command asks for: answer with this text (markdown)."""

    text: str


class Prompt(Struct, frozen=True):
    """What a command asks for: start a turn with this text.

    Args:
        text: what the agent is given.
        how: "alone": always a turn of its own; "steer": taken in by the running turn at its next step;
            "plain": like any message.
    """

    text: str
    how: Literal["alone", "steer", "plain"] = "plain"


class Resume(Struct, frozen=True):
    """What a command asks for: go back to an ended session of this conversation's own.

    Args:
        session: its number; None: the newest that has turns.
    """

    session: int | None = None


class Restart(Struct, frozen=True):
    """What a command asks for: the gateway drains and begins anew; who asked is told when it is back."""


CommandResult = Reset | Stop | Say | Prompt | Resume | Restart
"""What a command may return."""
