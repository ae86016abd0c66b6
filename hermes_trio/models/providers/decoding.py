"""Decodes what providers stream. A value of an odd type is read as the type that it should have.

What has the right types is decoded at once. Only where that fails is it looked at field by field.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from hermes_trio.errors import NotJson
from hermes_trio.text.foreign_json import ForeignJson

T = TypeVar("T")

THOUGHT = frozenset({"thinking", "reasoning", "redacted_thinking", "thought"})
"""Parts of a text that are none of the answer."""


def text(value: Any) -> str:
    """A text: a number as it was written, of a list of parts their texts, of an object its own."""
    match value:
        case str():
            return value
        case None:
            return ""
        case list():
            return "".join(map(text, value))
        case dict():
            if value.get("type") in THOUGHT:
                return ""
            return next((text(value[name]) for name in ("text", "content", "value") if name in value), "")
        case _:
            return msgspec.json.encode(value).decode()


def number(value: Any) -> int | None:
    """A whole number, as one or as text; None for anything else."""
    try:
        found = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return int(found) if math.isfinite(found) else None


FITS: Mapping[Any, Callable[[Any], Any]] = {str: text, int: number, Any: lambda value: value}
"""How a value of another type becomes one of this. Fields of type Any take what comes."""


class WireJson(ForeignJson[T]):
    """Decodes an event to a struct whose fields are `str`, `int`, `Any`, structs, lists of these, or None."""

    def __init__(self, kind: type[T], *, most_bytes: int) -> None:
        # Some providers split a character between two events, as halves of a surrogate pair.
        super().__init__(kind, most_bytes=most_bytes, halves=True)
        self._any: ForeignJson[Any] = ForeignJson(Any, most_bytes=most_bytes, halves=True)
        self._struct: Any = kind

    def leniently(self, raw: bytes | str) -> T:
        """Decode what has odd types.

        Raises:
            NotJson: it is no JSON object, or beyond a limit.
        """
        value = self._any(raw)
        if not isinstance(value, dict):
            raise NotJson("no object")
        return _struct(self._struct, value)  # type: ignore[no-any-return]


def _fit(kind: Any, value: Any) -> Any:
    if get_origin(kind) is list:
        inner = get_args(kind)[0]
        items = value if isinstance(value, list) else [value]
        return [_fit(inner, item) for item in items if item is not None]
    if kind in FITS:
        return FITS[kind](value)
    return _struct(kind, value if isinstance(value, dict) else {})


def _struct(kind: type[Struct], value: dict[str, Any]) -> Any:
    fields = _fields(kind)
    found = {
        name: _fit(fields[name], one) for name, one in value.items() if name in fields and one is not None
    }
    return kind(**{name: one for name, one in found.items() if one is not None})


@cache
def _fields(kind: type[Struct]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {name: _some(hints[name]) for name in kind.__struct_fields__}


def _some(hint: Any) -> Any:
    """A type without its None."""
    if get_origin(hint) in (Union, UnionType):
        return next(one for one in get_args(hint) if one is not NoneType)
    return hint
