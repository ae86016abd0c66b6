"""Text and its entities, which Telegram measures in UTF-16 units. Pure, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from hermes_trio import Span, units

ENTITIES_MAX = 100
"""https://core.telegram.org/api/entities: so many a message has; what comes beyond formats nothing."""


class User(msgspec.Struct):
    """A person or bot. Only the id is proof of who it is."""

    id: int
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""

    def shown(self) -> str:
        """The display name."""
        return f"{self.first_name} {self.last_name}".replace("\x00", "").strip()


class Entity(msgspec.Struct):
    """A stretch of text that Telegram marked; offset and length in UTF-16 units."""

    type: str
    offset: int
    length: int
    user: User | None = None
    url: str = ""


class Spoken(msgspec.Struct):
    """What a text says, and to whom.

    Args:
        text: without a leading mention of the bot and without the bot's name behind a command.
        to_us: the bot is mentioned or commanded.
        to_another: it is a command for another bot.
    """

    text: str
    to_us: bool = False
    to_another: bool = False


def with_links(text: str, entities: Sequence[Entity]) -> str:
    """The text with the address of each link behind its words: a reader of text sees no other."""
    return _spelled(text, entities[:ENTITIES_MAX])[0]


def _spelled(text: str, entities: Sequence[Entity]) -> tuple[str, Sequence[Entity]]:
    """The text with the addresses of its links, and the other entities where they are in it."""
    links = [one for one in entities if one.type == "text_link" and one.url]
    if not links:
        return text, entities
    others = [one for one in entities if one.type != "text_link"]
    for link in sorted(links, key=lambda link: link.offset, reverse=True):
        start, end = _span(text, link)
        if text[start:end].strip() == link.url:
            continue
        said, behind = f" ({link.url})", link.offset + link.length
        text = f"{text[:end]}{said}{text[end:]}"
        others = [
            msgspec.structs.replace(one, offset=one.offset + units(said, "utf16"))
            if one.offset >= behind
            else one
            for one in others
        ]
    return text, others


def listen(text: str, entities: Sequence[Entity], bot_id: int, bot_name: str) -> Spoken:
    """Read who a text speaks to, and take the address off it."""
    if not entities:
        return Spoken(text.replace("\x00", ""))
    text, entities = _spelled(text, entities[:ENTITIES_MAX])
    name = f"@{bot_name}".casefold()
    rest, taken = text, 0  # the bot's name was taken off so far
    to_us = to_another = False
    for entity in sorted(entities, key=lambda entity: entity.offset):
        start, end = _span(text, entity)
        said = text[start:end]
        leads = not text[taken:start].strip()
        if _is_mention(entity, said, bot_id, name):
            to_us = True
            if leads:
                rest = text[end:].lstrip(" \t\r\n,:")
                taken = len(text) - len(rest)
        elif entity.type == "bot_command" and leads:
            command, at, other = said.partition("@")
            to_another = bool(at) and f"@{other}".casefold() != name
            to_us = not to_another
            rest = text[start:] if to_another else command + text[end:]
            break
    return Spoken((rest or text).replace("\x00", ""), to_us, to_another)


def _is_mention(entity: Entity, said: str, bot_id: int, name: str) -> bool:
    if entity.type == "mention":
        return said.casefold() == name
    return entity.type == "text_mention" and entity.user is not None and entity.user.id == bot_id


def _span(text: str, entity: Entity) -> tuple[int, int]:
    if text.isascii():
        return entity.offset, entity.offset + entity.length
    units = text.encode("utf-16-le")
    start = len(units[: 2 * entity.offset].decode("utf-16-le", "replace"))
    length = len(
        units[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le", "replace")
    )
    return start, start + length


_KINDS = {
    "bold": "bold",
    "italic": "italic",
    "strike": "strikethrough",
    "code": "code",
    "pre": "pre",
    "link": "text_link",
    "quote": "blockquote",
    "spoiler": "spoiler",
}
_VALUES = {"pre": "language", "link": "url"}


def to_entities(text: str, spans: Iterable[Span]) -> list[dict[str, Any]]:
    """Turn spans (code points) into MessageEntity objects (UTF-16 units)."""
    ascii_only = text.isascii()
    found = []
    for span in spans:
        start, end = (
            (span.start, span.end) if ascii_only else (_units(text, span.start), _units(text, span.end))
        )
        if end <= start:
            continue
        entity: dict[str, Any] = {"type": _KINDS[span.kind], "offset": start, "length": end - start}
        if span.value and span.kind in _VALUES:
            entity[_VALUES[span.kind]] = span.value
        found.append(entity)
    return found


def _units(text: str, position: int) -> int:
    return len(text[:position].encode("utf-16-le", "surrogatepass")) // 2
