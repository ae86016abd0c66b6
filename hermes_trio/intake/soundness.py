"""What an adapter hands over, looked at where it comes in.

What no program can mean (a message that is none, a cursor that is no text) is an AgentError in the adapter's
own call. A message that has a field of the wrong type stops no account: others come behind it. It is kept as
what cannot be decoded, and its field is named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import structs

from hermes_trio.errors import AgentError
from hermes_trio.runtime.field_types import wrong_fields
from hermes_trio.runtime.wrong_use import kind_of
from hermes_trio.text.sanitize import clean, cleaned
from hermes_trio.values.message import Message, Moved, Undecodable

NUL = b"\\u0000"
_read_message = msgspec.json.Decoder(Message).decode
_ODD_ID = "an id in its address holds a NUL or half a character, so it would be another id when it is kept"


def check_use(updates: object, cursor: object) -> None:
    """It is a list of updates, with a cursor that is text.

    Raises:
        AgentError: it is not. The text says what was handed over, and what to write.
    """
    if isinstance(updates, Message | Undecodable | Moved):
        raise AgentError(f"accept: updates is a list, not {kind_of(updates)}: write accept([...])")
    if not isinstance(updates, Sequence) or isinstance(updates, str | bytes):
        raise AgentError(f"accept: updates is a list of updates, not {kind_of(updates)}")
    for update in updates:
        if not isinstance(update, Message | Undecodable | Moved):
            raise AgentError(
                f"accept: {kind_of(update)} is no update: hand over a Message, an Undecodable or a Moved"
            )
        if isinstance(update, Moved) and (wrong := "; ".join(wrong_fields(update, "Moved"))):
            raise AgentError(f"accept: {wrong}")
    if cursor is not None and not isinstance(cursor, str):
        raise AgentError(f"accept: cursor is a text (str), not {kind_of(cursor)}: write cursor=str(...)")


def looked_at(update: Message | Undecodable, account: str) -> tuple[Message | Undecodable, str]:
    """The update as a store can keep it and give it back, and what is wrong with it as its adapter made it.

    Args:
        account: `platform/account`, which it has to come from.

    Returns:
        What is wrong is "" where its adapter has made no mistake. Else the update is an Undecodable, with
        that as its `why`.
    """
    sound, wrong = _as_kept(update) if isinstance(update, Message) else (update, "")
    wrong = wrong or "; ".join(_wrong_here(update, account))
    if not wrong and sound is not None:
        return sound, ""
    raw = update.raw if isinstance(update.raw, bytes) else str(update.raw).encode(errors="replace")
    return Undecodable(native=_native(update), why=wrong or _ODD_ID, raw=raw), wrong


def _as_kept(message: Message) -> tuple[Message | None, str]:
    """The message, and what is wrong with the type of a field.

    None also if its address had to be cleaned: "ada" with a NUL would become another person's id.
    """
    try:
        body = _encoded(structs.replace(message, raw=b""))
        sound = structs.replace(_read_message(body), raw=message.raw)
    except (TypeError, msgspec.MsgspecError) as error:
        return None, "; ".join(wrong_fields(message, "Message")) or str(error)
    return (sound, "") if sound.address == message.address else (None, "")


def _encoded(message: Message) -> bytes:
    try:
        body = msgspec.json.encode(message)
    except UnicodeEncodeError:
        body = NUL
    return body if NUL not in body else msgspec.json.encode(cleaned(msgspec.to_builtins(message)))


def _wrong_here(update: Message | Undecodable, account: str) -> Iterator[str]:
    """What is wrong though each field of a Message has its type."""
    if isinstance(update, Undecodable):
        yield from wrong_fields(update, "Undecodable")
    elif not isinstance(update.raw, bytes):
        yield f"Message.raw is bytes, not {kind_of(update.raw)}"
    elif update.address.account_id != account:
        yield f"Message.address is of {update.address.account_id}, and this account is {account}"
    if update.native == "":
        yield f"{type(update).__name__}.native is empty: a second update with the same would be lost"


def _native(update: Message | Undecodable) -> str:
    """Its own native id; one made of what it holds where it has none, so that two that differ are two."""
    if update.native not in ("", None):
        return clean(str(update.native))
    return hashlib.sha256(repr(update).encode(errors="replace")).hexdigest()
