"""Updates of Telegram's as JSON, and what they become."""

from __future__ import annotations

import msgspec
from hermes_telegram.wire import Me, decode_update

from hermes_trio.values.message import Message, Undecodable

ME = Me(id=500, username="Hermes_Bot")
GROUP = {"id": -100777, "type": "supergroup", "title": "G"}
PRIVATE = {"id": 42, "type": "private", "first_name": "Ada"}
ADA = {"id": 42, "is_bot": False, "first_name": "Ada", "last_name": "L"}


def message(text: str | None = "hello", chat=PRIVATE, **more) -> dict:
    base = {"message_id": 9, "date": 1700000000, "chat": chat, "from": ADA}
    return base | ({} if text is None else {"text": text}) | more


def update(**fields) -> bytes:
    return msgspec.json.encode({"update_id": 77} | fields)


def decoded(raw: bytes) -> Message | Undecodable | None:
    value, number, _ = decode_update(raw, account="main", me=ME)
    assert number == 77
    return value


def of(text: str | None = "hello", chat=PRIVATE, **more) -> Message:
    value = decoded(update(message=message(text, chat, **more)))
    assert isinstance(value, Message)
    return value


def mark(kind: str, text: str, word: str, **more) -> dict:
    """An entity on `word`, measured as Telegram does."""
    before = text[: text.index(word)]
    units = [len(part.encode("utf-16-le")) // 2 for part in (before, word)]
    return {"type": kind, "offset": units[0], "length": units[1]} | more
