"""What a chat in memory was asked to show, what its users see, and how it refuses by name."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from hermes_trio.errors import NotSent, SendFailed, SendRefused
from hermes_trio.values.delivery import Delivery

Fault = Literal["refuse", "gone", "markup", "not_sent", "lost_answer", "hang", "wait"]


class Call(Struct, frozen=True):
    """One delivery as the platform saw it.

    Args:
        at: virtual seconds since the World began.
        delivery: what was asked.
        shown: the chat shows it, whatever the gateway was told.
    """

    at: float
    delivery: Delivery
    shown: bool


class Seen(Struct):
    """A message as a user sees it now.

    Args:
        message_id: its id there.
        chat, thread: where.
        text: plain, without its formatting.
        said: what it is; see `DeliveryKind`.
        at: when it appeared, in virtual seconds since the World began.
        reply_to: the message that it visibly answers.
        edits: how often it was edited.
    """

    message_id: str
    chat: str
    thread: str | None
    text: str
    said: str
    at: float
    reply_to: str | None = None
    edits: int = 0


def error_of(fault: Fault, wait_s: float | None) -> SendFailed:
    """What an adapter raises of it."""
    match fault:
        case "gone":
            return SendRefused("the chat is gone", "gone")
        case "markup":
            return SendRefused("cannot parse entities", "markup")
        case "refuse":
            return SendRefused("no")
        case "wait":
            return NotSent("too many requests", wait_s)
        case _:
            return NotSent("not connected")
