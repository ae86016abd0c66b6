"""Which fields of a struct hold what they may not: told by path, with what to write instead.

msgspec looks at types where it decodes, not where a program makes a struct.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, get_args, get_origin

import msgspec
from msgspec import Struct, structs

from hermes_trio.runtime.wrong_use import kind_of

SHOWN_MAX = 40
"""So many characters of a wrong word are shown."""


def wrong_fields(value: Struct, name: str) -> Iterator[str]:
    """Each field that holds a value of another type than its own, a sentence each.

    Args:
        name: what the struct is called there: "Message".
    """
    for field in structs.fields(value):
        got, path = getattr(value, field.name), f"{name}.{field.name}"
        if isinstance(got, Struct):
            yield from wrong_fields(got, path)
            continue
        if not _fits(field.type, got):
            yield f"{path} is {_wanted(field.type, got)}{_mend(field.type, got)}"


def _fits(kind: Any, got: object) -> bool:
    if get_origin(kind) is tuple and not isinstance(got, tuple):
        return False  # a list would be taken for one, and is equal to none
    try:
        msgspec.convert(got, kind)
    except (msgspec.ValidationError, TypeError):
        return False
    return True


def _wanted(kind: object, got: object) -> str:
    if get_origin(kind) is Literal and isinstance(got, str):
        return f"one of {', '.join(get_args(kind))}, not {got[:SHOWN_MAX]!r}"
    return f"{kind.__name__ if isinstance(kind, type) else kind}, not {_told(got)}"


def _told(got: object) -> str:
    """What it is; of a list or a tuple also of what."""
    if not isinstance(got, list | tuple):
        return kind_of(got)
    kinds = sorted({type(one).__name__ for one in got})
    return f"{kind_of(got)} of {', '.join(kinds)}" if kinds else kind_of(got)


def _mend(kind: object, got: object) -> str:
    if isinstance(got, datetime):
        return ": write when.timestamp(), of a time that has a time zone"
    if kind in (str, str | None) and isinstance(got, int) and not isinstance(got, bool):
        return ": write str(...)"
    if get_origin(kind) is tuple and isinstance(got, list | tuple):
        return ": write (str(...), ...)" if str in get_args(kind) else ": write tuple(...)"
    if kind is str and got is None:
        return ': write "" where there is none'
    return ""
