"""What goes out, and what a platform can do with it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from hermes_trio.values.identity import Address


class Span(Struct, frozen=True, array_like=True):
    """A formatted stretch of a part's text.

    Args:
        start, end: half open, in code points of the text.
        kind: what it is.
        value: the URL of a link, the language of a pre.
    """

    start: int
    end: int
    kind: Literal["bold", "italic", "strike", "code", "pre", "link", "quote", "spoiler"]
    value: str = ""


class Part(Struct, frozen=True, array_like=True):
    """A platform-sized piece of a reply: plain text, and the spans that format it.

    Args:
        text: what is shown, at most `Capabilities.text_max` units of it.
        spans: by their start; one that lies in another comes after it.
    """

    text: str
    spans: tuple[Span, ...] = ()


class Choice(Struct, frozen=True, array_like=True):
    """A button below a prompt. `token` is opaque and at most 64 bytes."""

    token: str
    label: str


DeliveryKind = Literal["final", "say", "reply", "prompt", "notice", "refusal", "preview", "progress", "sign"]
"""What a delivery is: the answer, an interim say, a command's reply, a question, a notice, a refusal,
the live preview, the progress line, the sign of waiting."""


class Delivery(Struct, frozen=True, kw_only=True):
    """One call that the outbox asks of a platform.

    Args:
        op: what to do. "typing" needs only the address; "edit", "delete", "react" and "unreact" name
            `message_id`; "send" and "edit" carry a part.
        address: the chat and thread it goes to. Never anywhere else.
        part: what to show.
        message_id: the message to edit, delete or react to.
        reply_to: the message_id a send answers visibly.
        key: the same for each try of this part, for platforms that take an idempotency key.
        said: what it is; a terminal shows a preview otherwise than a final.
        choices: buttons of a prompt.
        last: the last part of its reply.
    """

    op: Literal["send", "edit", "delete", "typing", "react", "unreact"]
    address: Address
    part: Part | None = None
    message_id: str | None = None
    reply_to: str | None = None
    key: str = ""
    said: DeliveryKind = "final"
    choices: tuple[Choice, ...] = ()
    last: bool = True


class Receipt(Struct, frozen=True):
    """The platform's proof that a delivery happened: the id of the message it made or changed."""

    message_id: str | None = None


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a platform can do.

    Args:
        text_max: the longest text of one message, in `unit`s.
        unit: how the platform counts a text.
        can_edit, can_delete, can_react, can_type: whether `deliver` takes that op.
        takes_key: the platform refuses a second send with the same `Delivery.key`.
        typing_every_s: how often a typing sign must be renewed, in seconds.
        live_every_s: the shortest time between two edits of a preview, in seconds.
    """

    text_max: int = 4096
    unit: Literal["char", "utf16", "byte"] = "char"
    can_edit: bool = False
    can_delete: bool = False
    can_react: bool = False
    can_type: bool = False
    takes_key: bool = False
    typing_every_s: float = 4.0
    live_every_s: float = 1.0
