"""Rows as operators are shown them. A value that cannot be read is left out; the rest of its row is shown."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)
NOTHING: tuple[Any, ...] = (None, "", 0, 0.0, False, "failed")
"""Shown in the place of a value that cannot be read: the first of these that its field may hold."""
AGES_S = 1e11
"""No real wall time is further from 1970 than this, in seconds."""


def view_of(what: type[T], /, **values: Any) -> T:
    """A view of this kind, of these values as far as they can be read."""
    one = what(**values)
    if _reads_as_it_is(one, values):
        return one
    fields = msgspec.structs.fields(what)
    return what(**{one.name: _fit(values[one.name], one.type) for one in fields if one.name in values})


def _reads_as_it_is(one: msgspec.Struct, values: dict[str, Any]) -> bool:
    if any(_is_no_number(value) for value in values.values()):
        return False
    try:
        _decoder(type(one)).decode(_encode(one))
    except msgspec.ValidationError:
        return False
    return True


_encode = msgspec.msgpack.Encoder().encode


@cache
def _decoder(what: type[msgspec.Struct]) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(what)


def _is_no_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) > AGES_S


def _fit(value: Any, kind: Any) -> Any:
    if isinstance(value, bytes) and _holds("", kind):
        value = value.decode(errors="replace")
    if _holds(value, kind) and not _is_no_number(value):
        return value
    return next(one for one in NOTHING if _holds(one, kind))


def _holds(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, from_attributes=True)
    except msgspec.ValidationError:
        return False
    return True
