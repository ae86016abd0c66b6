"""What is recorded of a step: a digest of its arguments, and its value as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec

from hermes_trio.errors import AgentError, StepMismatch
from hermes_trio.runtime.wrong_use import kind_of, was_awaited
from hermes_trio.text.foreign_json import DEPTH_MAX


def digest_of(args: object, where: str = "step") -> str:
    """A short digest of a step's arguments; what is no JSON counts by its type.

    A set counts by what is in it: its order is another one in each process.

    Args:
        where: which step, `"step 'pay'"`.

    Raises:
        AgentError: they hold what cannot be told apart later; the text says what.
    """
    try:
        encoded = msgspec.json.encode(
            args, enc_hook=lambda value: type(value).__qualname__, order="deterministic"
        )
    except RecursionError:
        raise AgentError(f"{where}: its arguments are nested too deeply") from None
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise AgentError(f"{where}: its arguments cannot be recorded: {error}") from None
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def encoded_value(where: str, fn: Callable[..., object] | None, value: object, kind: object = Any) -> bytes:
    """A step's value as JSON.

    Args:
        where: which step, `"step 'pay'"`.
        fn: what returned it.
        kind: what its record is decoded to; Any: to plain JSON, so it has to be that.

    Raises:
        AgentError: it is no JSON, or would come back as something else; the text names the function.
    """
    named = getattr(fn, "__name__", None)
    was_awaited(f"{where}: {named or 'fn'}", value)
    what = f"{where}: its value" if named is None else f"{where}: what {named} returned"
    try:
        encoded = msgspec.json.encode(value)
        if kind is not Any:
            msgspec.json.decode(encoded, type=kind)
    except RecursionError:
        raise AgentError(f"{where}: its value is nested deeper than {DEPTH_MAX}") from None
    except msgspec.ValidationError as error:
        raise AgentError(f"{what} is no {getattr(kind, '__name__', kind)}: {error}") from None
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise AgentError(f"{what} is no JSON: {error}") from None
    if kind is Any and (changed := _changed(value)) is not None:
        raise AgentError(f"{what} is no JSON: {changed}")
    return encoded


def _changed(value: object) -> str | None:
    """What of it would come back as something else, None if nothing would. A tuple comes back as a list."""
    looked: list[Any] = [value]
    while looked:
        one = looked.pop()
        if one is None or isinstance(one, str | int | msgspec.Raw):
            continue
        if isinstance(one, float):
            if not isfinite(one):
                return f"{one} would come back as None"
        elif isinstance(one, list | tuple):
            looked += one
        elif isinstance(one, dict):
            if (key := next((key for key in one if not isinstance(key, str)), None)) is not None:
                return f"the key {key!r} would come back as a text; write str(...)"
            looked += one.values()
        elif isinstance(one, set | frozenset):
            return "a set would come back as a list, in any order; return sorted(...)"
        else:
            back = msgspec.json.decode(msgspec.json.encode(one))
            name = type(one).__name__
            of = f"`type={name}`" if one is value else f"`type=` what it is, such as `list[{name}]`"
            return f"{kind_of(one)} would come back as {kind_of(back)}; give the step {of}"
    return None


def decoded_value(where: str, record: bytes, kind: Any) -> Any:
    """What a step recorded, as `kind`.

    Raises:
        StepMismatch: it is none; an earlier version of the function recorded something else.
    """
    try:
        return msgspec.json.decode(record, type=kind)
    except msgspec.ValidationError as error:
        named = getattr(kind, "__name__", kind)
        raise StepMismatch(f"{where}: what is recorded is no {named}: {error}") from None
