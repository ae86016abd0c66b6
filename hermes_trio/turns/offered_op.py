"""The id of an operation, which is given to the step functions that ask for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable


def offered(fn: Callable[..., object], op: str) -> dict[str, str]:
    """What a step's function is given by name: the operation's id if it has a keyword-only `op`."""
    return {"op": op} if _takes_op(fn) else {}


def _takes_op(fn: Callable[..., object]) -> bool:
    code = getattr(fn, "__code__", None)
    if code is not None:
        # What `inspect.signature` would say, without its price.
        first = code.co_argcount
        return "op" in code.co_varnames[first : first + code.co_kwonlyargcount]
    try:
        parameter = inspect.signature(fn).parameters.get("op")
    except (TypeError, ValueError):
        return False
    return parameter is not None and parameter.kind is inspect.Parameter.KEYWORD_ONLY
