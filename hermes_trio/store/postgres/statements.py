"""The dialect: a statement of a promise as PostgreSQL takes it, and values as it sends them.

What differs from SQLite is little: placeholders, `is` between two values, and which index to take, which
PostgreSQL chooses itself.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

_PIECES = re.compile(
    r"(?P<quoted>'[^']*')"
    r"|(?P<hint>\s+indexed\s+by\s+\w+)"
    r"|(?P<bytes>\bcast\((?P<of>\?|[\w.]+) as blob\))"
    r"|(?P<isnot>\bis\s+not\s+(?!null\b|distinct\b))"
    r"|(?P<is>\bis\s+(?!null\b|not\b|distinct\b))"
    r"|(?P<mark>\?)"
    r"|:(?P<name>\w+)"
)


class Translated(NamedTuple):
    """A statement in PostgreSQL's words.

    Args:
        text: with `$1`, `$2` for values.
        names: of the values in their order; empty where they came without names.
    """

    text: str
    names: tuple[str, ...]


@cache
def translated(sql: str) -> Translated:
    """The statement of a promise, once for each text. Each place for a value is one of its own, so that its
    type is that of its place."""
    names: list[str] = []
    count = 0

    def place() -> str:
        nonlocal count
        count += 1
        return f"${count}"

    def piece(found: re.Match[str]) -> str:
        match found.lastgroup:
            case "hint":
                return ""
            case "bytes" | "of":
                return place() if found["of"] == "?" else found["of"]
            case "isnot":
                return "is distinct from "
            case "is":
                return "is not distinct from "
            case "mark":
                return place()
            case "name":
                names.append(found["name"])
                return place()
            case _:
                return found[0]

    text = _PIECES.sub(piece, sql)
    return Translated(text, tuple(names))


def in_order(names: Sequence[str], args: Any) -> Sequence[Any]:
    """The values of a statement, in the order of their places."""
    return [args[name] for name in names] if isinstance(args, Mapping) else args


# --- what is sent: text, but bytes as they are

BYTEA, BOOL = 17, 16
NUL, NO_NUL = b"\0", "\ufffd".encode()


def sent(value: Any, oid: int) -> bytes | None:
    """A value for a place of this type. PostgreSQL keeps no NUL in a text: U+FFFD stands for it."""
    if value is None:
        return None
    if oid == BYTEA:
        return value if isinstance(value, bytes) else str(value).encode()
    if oid == BOOL:
        return b"t" if value else b"f"
    if isinstance(value, bool):
        return b"1" if value else b"0"
    text = value if isinstance(value, bytes) else str(value).encode()
    return text.replace(NUL, NO_NUL) if NUL in text else text


# --- what comes: binary


def _integer(value: bytes) -> int:
    return int.from_bytes(value, "big", signed=True)


_double = struct.Struct(">d").unpack
_RECEIVED: dict[int, Callable[[bytes], Any]] = {
    BOOL: lambda value: value == b"\1",
    BYTEA: lambda value: value,
    20: _integer,
    21: _integer,
    23: _integer,
    701: lambda value: _double(value)[0],
}


def received(oid: int) -> Callable[[bytes], Any]:
    """Reads a value of this type; what is none of ours is a text."""
    return _RECEIVED.get(oid, bytes.decode)
