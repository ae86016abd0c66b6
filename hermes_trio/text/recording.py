"""Recordings as text: their rows without secrets, and the one JSON file that they make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

import msgspec
from msgspec import Raw, inspect

from hermes_trio.text.sanitize import clean, mapped
from hermes_trio.values.recording import VERSION, Recording, RecordingHead, RecordingPart, RecordingRows

PARTS: tuple[RecordingPart, ...] = get_args(RecordingPart)


def without_secrets(page: RecordingRows, part: RecordingPart, redact: Callable[[str], str]) -> RecordingRows:
    """The page with every text in it redacted; numbers, and the words that rows are made of, stay."""
    rows = tuple(Raw(msgspec.json.encode(_redacted(row, part, redact))) for row in page.rows)
    return RecordingRows(rows=rows, after=page.after)


def _redacted(row: bytes, part: RecordingPart, redact: Callable[[str], str]) -> Any:
    # A text that is one of these words is no secret, and a recording without them could not be read.
    words = words_of(Recording)

    def change(text: str) -> str:
        return text if text in words else clean(redact(text))

    plain = msgspec.json.decode(row)
    if part != "boots":
        return mapped(plain, change)
    agent = (plain.get("setup") or {}).get("agent")
    if agent is not None:
        plain["setup"]["agent"] = mapped(agent, change)
    return plain


@cache
def words_of(kind: Any) -> frozenset[str]:
    """The names and closed sets of words that a recording, or another such value, is written in."""
    return frozenset(word for word in _words_of(inspect.type_info(kind), set()) if isinstance(word, str))


def _words_of(kind: Any, seen: set[type]) -> Iterator[Any]:
    match kind:
        case inspect.StructType(cls=cls) if cls not in seen:
            seen.add(cls)
            yield from (kind.tag, kind.tag_field)
            for field in kind.fields:
                yield field.encode_name
                yield from _words_of(field.type, seen)
        case inspect.LiteralType(values=values):
            yield from values
        case inspect.UnionType(types=types):
            for one in types:
                yield from _words_of(one, seen)
        case inspect.VarTupleType(item_type=one):
            yield from _words_of(one, seen)
        case inspect.DictType(value_type=one):
            yield from _words_of(one, seen)


def written(head: RecordingHead, pages: Mapping[RecordingPart, Iterator[RecordingRows]]) -> Iterator[bytes]:
    """The file, piece by piece, a row a line; each list's pages are asked for when it is their turn."""
    until = round(head.until - head.began_at, 6)
    about = {"version": VERSION, "session": head.session, "key": head.key, "began_at": head.began_at}
    yield msgspec.json.encode(about | {"until": until, "running": head.running})[:-1]
    for part in PARTS:
        yield b',\n"%s": [' % part.encode()
        between = b"\n  "
        for page in pages[part]:
            for row in page.rows:
                yield between + bytes(row)
                between = b",\n  "
        yield b"\n]"
    yield b"}\n"
