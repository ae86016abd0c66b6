"""Verbs of a turn that were called and never awaited: nothing of them happens, and Python alone says so.

Each call is kept until it has begun. What is left when the turn ends was forgotten: its line is told.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from functools import wraps
from inspect import CORO_CREATED, Parameter, Signature, getcoroutinestate, signature
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from msgspec import Struct

from hermes_trio.errors import AgentError

P = ParamSpec("P")
T = TypeVar("T")


def not_taken(fn: Callable[..., Any], error: TypeError) -> str:
    """That a verb does not take these arguments, and which it takes."""
    _, *takes = signature(fn).parameters.values()
    shown = Signature([each.replace(annotation=Parameter.empty) for each in takes])
    hands_on = any(each.kind is Parameter.VAR_POSITIONAL for each in takes)
    args = "; the arguments of fn stand behind it, in order and without names" if hands_on else ""
    return f"{fn.__name__}: {str(error).partition('() ')[2]}; it takes {shown}{args}"


class _Call(Struct, frozen=True):
    verb: str
    file: str
    line: int
    made: Coroutine[Any, Any, Any]


class VerbCalls:
    """The calls of one turn's verbs that have not begun."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: list[_Call] = []

    def add(self, call: _Call) -> None:
        """Keep a call until it begins."""
        self._calls = [*self._waiting(), call]

    def forgotten(self) -> list[tuple[str, str]]:
        """Verb and place of each that has not begun, in order. They are closed, and not kept any more."""
        forgotten, self._calls = self._waiting(), []
        for call in forgotten:
            call.made.close()
        return [(call.verb, f"{call.file}:{call.line}") for call in forgotten]

    def _waiting(self) -> list[_Call]:
        return [call for call in self._calls if getcoroutinestate(call.made) == CORO_CREATED]


class _HasCalls(Protocol):
    @property
    def _calls(self) -> VerbCalls: ...


S = TypeVar("S", bound=_HasCalls)


def verb(
    fn: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """A method that is to be awaited; where it is called is kept until it is."""

    @wraps(fn)
    def call(self: S, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        try:
            made = fn(self, *args, **kwargs)
        except TypeError as error:  # nothing of it has run: the arguments do not fit
            raise AgentError(not_taken(fn, error)) from None
        caller = sys._getframe(1)
        self._calls.add(_Call(fn.__name__, caller.f_code.co_filename, caller.f_lineno, made))
        return made

    return call
