"""Text and its entities, which Telegram measures in UTF-16 units. Pure, both ways."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from hermes_trio import Span

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
    language: str = ""

    @property
    def end(self) -> int:
        """Where it ends, in UTF-16 units."""
        return self.offset + self.length


class Units:
    """A text that is cut where UTF-16 counts. A cut beyond its end is one at its end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._encoded = None if text.isascii() else text.encode("utf-16-le")
        self.length = len(text) if self._encoded is None else len(self._encoded) // 2

    def cut(self, start: int, end: int | None = None) -> str:
        """The text from `start` to `end`, in units; half a pair at an edge is U+FFFD."""
        start, end = max(start, 0), None if end is None else max(end, 0)
        if self._encoded is None:
            return self._text[start:end]
        return self._encoded[2 * start : None if end is None else 2 * end].decode("utf-16-le", "replace")


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
