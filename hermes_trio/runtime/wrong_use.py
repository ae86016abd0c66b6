"""What a program hands to the library that cannot be meant: told at once, by function and argument.

Each check raises an AgentError whose text says what was expected, what came, and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from inspect import (
    isasyncgen,
    isasyncgenfunction,
    isawaitable,
    isclass,
    iscoroutine,
    iscoroutinefunction,
    isfunction,
    ismethod,
    isroutine,
    signature,
    unwrap,
)
from math import isfinite
from typing import ParamSpec, TypeVar, get_args

import trio

from hermes_trio.errors import AgentError
from hermes_trio.values.identity import Role

P = ParamSpec("P")
T = TypeVar("T")

NAME_MAX = 256
ROLES: tuple[Role, ...] = get_args(Role)

AWAITABLE = re.compile(r"Awaitable|Coroutine|Future|\bAny\b")
"""What an annotation names that stands for something to be awaited."""


def kind_of(value: object) -> str:
    """What something is, for a sentence."""
    if value is None:
        return "None"
    if isclass(value):
        return f"the class {value.__name__}"
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def text(where: str, value: object) -> None:
    """It is a text.

    Args:
        where: function and argument, `"say: text"`.

    Raises:
        AgentError: it is none.
    """
    if not isinstance(value, str):
        raise AgentError(f"{where} is a text (str), not {kind_of(value)}")


def seconds(where: str, value: object) -> None:
    """It is a number of seconds. Raises AgentError: it is none, negative, or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise AgentError(f"{where} is a number of seconds, not {kind_of(value)}")
    if not isfinite(value) or value < 0:
        raise AgentError(f"{where} is a number of seconds, 0 or more, not {value}")


def name(where: str, value: object) -> None:
    """It is what a record can be found by. Raises AgentError: it is no text, empty, or too long."""
    text(where, value)
    if not isinstance(value, str) or not 0 < len(value) <= NAME_MAX:
        raise AgentError(f"{where} is a text of 1 to {NAME_MAX} characters: name what is done, not with what")


def step(name_: object, fn: object, idempotent: object) -> None:
    """A step has a name and a function; it may be repeated or not. Raises AgentError: it is not so."""
    if callable(name_):
        called = _name(name_)
        raise AgentError(f"step: its name comes first, then the function: step({called!r}, {called}, ...)")
    name("step: name", name_)
    function(f"step {name_!r}: fn", fn)
    if not isinstance(idempotent, bool):
        raise AgentError(f"step {name_!r}: idempotent is True or False, not {kind_of(idempotent)}")


def choices(where: str, value: object) -> None:
    """They are labels in an order. Raises AgentError: they are none, or come in another order each time."""
    if isinstance(value, str):
        raise AgentError(f"{where} is a list of labels, not a text: write [{value!r}]")
    if not isinstance(value, list | tuple):
        raise AgentError(f"{where} is a list of labels, not {kind_of(value)}: write [...]")


def role(where: str, value: object) -> None:
    """It is one of those that there are. Raises AgentError: it is none."""
    if value not in ROLES:
        raise AgentError(f"{where} is {' or '.join(map(repr, ROLES))}, not {value!r}")


def in_the_loop(verb: str, takes: str = "") -> None:
    """It is called where the turn runs. Raises AgentError: another thread calls it."""
    if not trio.lowlevel.in_trio_run():
        raise AgentError(
            f"{verb}: a thread cannot call it: write trio.from_thread.run_sync(turn.{verb}{takes})"
        )


def function(where: str, fn: object) -> None:
    """It is a function that is to be called. Raises AgentError: it is none, or was called already."""
    if iscoroutine(fn):
        called = fn.__name__
        fn.close()
        raise AgentError(
            f"{where} is the function {called}, not what calling it gives: leave out its parentheses"
        )
    if not callable(fn):
        raise AgentError(f"{where} is an async function, not {kind_of(fn)}")


def awaited(
    where: str, call: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
) -> Awaitable[T]:
    """Call an async function with these arguments; what it returns is to be awaited.

    Raises:
        AgentError: it is none, or does not take them. And what it raises before it is awaited.
    """
    try:
        made = call(*args, **kwargs)
    except TypeError:
        if (why := _unfit(call, args, kwargs)) is None:
            raise
        raise AgentError(f"{where} cannot be called so: {why}") from None
    if not isawaitable(made):
        if isasyncgen(made):
            raise AgentError(f"{where} yields; it has to return its value: write `return`")
        raise AgentError(f"{where} is no async function: write `async def` (it gave {kind_of(made)})")
    return made


def was_awaited(where: str, value: object) -> None:
    """What a function returned is no call of another. Raises AgentError: it is one, which is closed."""
    if isawaitable(value):
        if iscoroutine(value):
            value.close()
        raise AgentError(f"{where} returned {kind_of(value)}: write `await` before it")


def _unfit(call: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> str | None:
    """Why it does not take these arguments, None if it does."""
    try:
        taken = signature(call)
        taken.bind(*args, **kwargs)
    except TypeError as error:
        wants_op = "op" in taken.parameters and "op" not in kwargs
        return f"{error}; the operation's id is given to `*, op`" if wants_op else str(error)
    except ValueError:  # of something built in nobody knows
        pass
    return None


def agent_function(agent: object, where: str = "open_gateway: agent") -> None:
    """It may be called with a turn, and what it gives is awaited. Raises AgentError: it is not so."""
    function(where, agent)
    if isclass(agent):
        raise AgentError(f"{where} is the class {agent.__name__}; pass one of it: {agent.__name__}()")
    named = where if where.endswith(_name(agent)) else f"{where} {_name(agent)}"
    if isasyncgenfunction(agent):
        raise AgentError(f"{named} yields; it has to return its answer")
    if is_plain(agent if isroutine(agent) else getattr(agent, "__call__", agent)):  # noqa: B004
        raise AgentError(
            f"{named} is not async: write `async def`, or `-> Awaitable[str]` if it gives what is awaited"
        )
    try:
        signature(agent).bind(None)  # type: ignore[arg-type]
    except TypeError as error:
        raise AgentError(f"{named} is called with one turn: {error}") from error
    except ValueError:  # of something built in nobody knows
        return


def is_plain(fn: object) -> bool:
    """Whether it is written as a function that is not async, and does not say that it returns an awaitable.

    A lambda has no place to say so, and a decorator's function is what it wraps.
    """
    fn = unwrap(fn) if callable(fn) else fn
    if not (isfunction(fn) or ismethod(fn)) or iscoroutinefunction(fn) or _name(fn) == "<lambda>":
        return False
    returns = getattr(fn, "__annotations__", {}).get("return", "")
    return AWAITABLE.search(returns if isinstance(returns, str) else repr(returns)) is None


def instance(where: str, value: object, kind: type, example: str) -> None:
    """It is of this type, or None. Raises AgentError: it is not, and `example` is what to write."""
    if value is not None and not isinstance(value, kind):
        raise AgentError(f"{where} is not {kind_of(value)}: write {example}")


def _name(value: object) -> str:
    return str(getattr(value, "__name__", type(value).__name__))
