"""What is recorded of a step: a digest of its arguments, and its value as JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from hermes_trio.errors import AgentError
from hermes_trio.text.foreign_json import DEPTH_MAX


def digest_of(args: object) -> str:
    """A short digest of a step's arguments; what is no JSON counts by its type.

    A set counts by what is in it: its order is another one in each process.
    """
    try:
        encoded = msgspec.json.encode(
            args, enc_hook=lambda value: type(value).__qualname__, order="deterministic"
        )
    except RecursionError as error:
        raise AgentError("the arguments of a step are nested too deeply") from error
    return hashlib.blake2b(encoded, digest_size=8).hexdigest()


def encoded_value(where: str, fn: Callable[..., object] | None, value: object) -> bytes:
    """A step's value as JSON.

    Args:
        where: which step, `"step 'pay'"`.
        fn: what returned it.

    Raises:
        AgentError: it is no JSON; the text names the function. A set is none: it would come back as a list.
    """
    named = getattr(fn, "__name__", None)
    what = f"{where}: its value" if named is None else f"{where}: what {named} returned"
    try:
        encoded = msgspec.json.encode(value)
    except RecursionError as error:
        raise AgentError(f"{where}: its value is nested deeper than {DEPTH_MAX}") from error
    except (TypeError, ValueError, msgspec.MsgspecError) as error:
        raise AgentError(f"{what} is no JSON: {error}") from error
    if _holds_a_set(value):
        raise AgentError(
            f"{what} is no JSON: a set would come back as a list, in any order; return sorted(...)"
        )
    return encoded


def _holds_a_set(value: object) -> bool:
    """Whether there is one at any depth."""
    looked: list[Any] = [value]
    while looked:
        one = looked.pop()
        if isinstance(one, set | frozenset):
            return True
        parts: Collection[object] = one.values() if isinstance(one, dict) else one
        if isinstance(one, dict | list | tuple):
            looked += [part for part in parts if isinstance(part, dict | list | tuple | set | frozenset)]
    return False
