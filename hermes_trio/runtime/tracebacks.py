"""Where an error was raised, told to those who wrote the code: their own frames, ours and trio's folded.

A source line is foreign text: it is cut between words and cleaned here, and redacted by whoever shows it.
"""

from __future__ import annotations

import contextlib
import importlib
import linecache
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from inspect import isroutine, unwrap
from itertools import takewhile
from pathlib import Path
from traceback import walk_stack
from types import CodeType, FrameType

import outcome
import trio
from msgspec import Struct

from hermes_trio import errors
from hermes_trio.errors import AgentError, Fenced, LimitReached, OutsideError, TurnTimedOut
from hermes_trio.text.foreign_errors import told
from hermes_trio.text.nearest import nearest
from hermes_trio.text.sanitize import clean
from hermes_trio.text.whole_words import whole_words

FOLDED = {
    f"{Path(str(part.__file__)).parent}/": part.__name__.partition(".")[0] for part in (errors, trio, outcome)
} | {
    contextlib.__file__: "contextlib",
    str(importlib.__file__): "importlib",
    "<frozen importlib": "importlib",
}
"""Whose frames are folded, by folder or file."""

FIRST_MAX, LAST_MAX = 4, 8
"""So many of the outermost and of the innermost frames are told."""

DEF = re.compile(r"\s*(async\s+)?def\s")
DECORATORS_MAX = 20
"""Lines of them."""

ERRORS_MAX = 3
"""An error and what caused it."""

NO_ASYNCIO = "no running event loop"

ELSEWHERE = {"user": "address.user", "chat": "address.chat", "send": "say", "reply": "say", "answer": "say"}
"""Names that people try, and what they are here."""

NEAR = 0.7
"""So alike are two attributes of which one was meant."""

LINE_MAX = 120
CHARS_MAX = 2_000
"""A line of the log that is longer than 4,096 bytes is cut."""


class Frame(Struct, frozen=True):
    """A place that an error came through; `folded`: whose it is, "" where it is shown."""

    file: str
    line: int
    function: str
    folded: str

    @property
    def place(self) -> str:
        """`FILE:LINE in FUNCTION`."""
        return f"{self.file}:{self.line} in {self.function}"

    def __str__(self) -> str:
        source = whole_words(linecache.getline(self.file, self.line).strip(), LINE_MAX)
        return self.place + (f"\n    {source}" if source else "")


EXPECTED = (OutsideError, Fenced, LimitReached, TurnTimedOut)
"""They say what happened outside, or to a turn: nobody's code has to change."""


def traceback_of(error: BaseException, called: object = None) -> str | None:
    """The frames that led to an error, outermost first, a line each; None if it is no fault in any code.

    A frame is `FILE:LINE in FUNCTION`, with its source below. Frames of hermes-trio and trio are counted;
    where there are no others the innermost is shown. What caused the error follows with its own frames.
    Before the frames of a wrong attribute of a public object of ours stands the one that was likely meant.

    Args:
        called: what was called. An AgentError without a frame of anybody else is about it, so where it is
            written is shown.

    Returns:
        At most `CHARS_MAX` characters, clean, not redacted; "" where it was not raised.
    """
    if isinstance(error, EXPECTED):
        return None
    lines: list[str] = []
    for one in _with_causes(error):
        if one is not error:
            lines.append(f"caused by {whole_words(told(one), LINE_MAX)}")
        lines += _meant(one)
        frames = list(_frames(one))
        if isinstance(one, AgentError) and all(frame.folded for frame in frames):
            frames = [*filter(None, [beginning_of(called)]), *frames]
        lines += _lines(frames)
    return whole_words(clean("\n".join(lines)), CHARS_MAX)


def _meant(error: BaseException) -> Iterator[str]:
    """Python looks for the attribute that was meant too, but only for an error that nobody has caught."""
    if isinstance(error, RuntimeError) and str(error) == NO_ASYNCIO:
        yield "asyncio does not run here: the loop is Trio's, so write `trio.sleep`, `httpx` and the like"
    if not isinstance(error, AttributeError) or not isinstance(error.name, str):
        return
    kind = type(error.obj)
    # A class of somebody else may say anything of its module.
    if not str(kind.__module__).startswith("hermes_trio.") or kind.__name__.startswith("_"):
        return
    public = [name for name in dir(error.obj) if not name.startswith("_")]
    elsewhere = ELSEWHERE.get(error.name, "")
    meant = elsewhere if elsewhere.partition(".")[0] in public else nearest(error.name, public, NEAR)
    if meant is not None:
        yield f"did you mean `{meant}`?"


def beginning_of(called: object) -> Frame | None:
    """Where a function is written, or the `__call__` of an object; None if it is ours, or nobody knows."""
    while isinstance(called, partial):
        called = called.func
    written = unwrap(called if isroutine(called) else type(called).__call__)
    code = getattr(written, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    frame = _frame(code, _line_of_def(code), code.co_qualname.rpartition("<locals>.")[2])
    return None if frame.folded else frame


def _line_of_def(code: CodeType) -> int:
    """The line of its `def`. To Python a function begins with its first decorator."""
    first = code.co_firstlineno
    if not linecache.getline(code.co_filename, first).lstrip().startswith("@"):
        return first
    for line in range(first, first + DECORATORS_MAX):
        if DEF.match(linecache.getline(code.co_filename, line)):
            return line
    return first


def places_of(error: BaseException) -> str:
    """Where an error was raised, whatever it is: as `traceback_of`, without what caused it."""
    return whole_words(clean("\n".join(_lines(list(_frames(error))))), CHARS_MAX)


def places_of_task(task: trio.lowlevel.Task) -> str:
    """Where a task waits: as `places_of`; "" if it waits in our code or trio's alone."""
    frames = [_frame(frame.f_code, line) for frame, line in task.iter_await_frames()]
    if all(frame.folded for frame in frames):
        return ""
    return whole_words(clean("\n".join(_lines(frames))), CHARS_MAX)


class WhereCut:
    """Where the code in its block was when a cancel took it out of there.

    Attributes:
        places: as `places_of`; "" if it was not cancelled.
    """

    def __init__(self) -> None:
        self.places = ""

    def __enter__(self) -> WhereCut:
        return self

    def __exit__(self, kind: object, error: BaseException | None, tb: object) -> None:
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        if isinstance(error, trio.Cancelled):
            self.places = places_of(error)


def places_of_stack(innermost: FrameType) -> str:
    """Where a thread stands now: as `places_of`, from where its loop runs a task."""
    stack = [_frame(frame.f_code, line) for frame, line in walk_stack(innermost)]
    in_loop = list(takewhile(lambda frame: frame.folded != trio.__name__, stack))
    return whole_words(clean("\n".join(_lines(in_loop[::-1]))), CHARS_MAX)


def _lines(frames: list[Frame]) -> Iterator[str]:
    own = [frame for frame in frames if not frame.folded] or frames[-1:]
    left_out = len(own) - FIRST_MAX - LAST_MAX
    for nth, frame in enumerate(own):
        if not FIRST_MAX <= nth < FIRST_MAX + left_out:
            yield str(frame)
        elif nth == FIRST_MAX:
            yield f"({left_out} more frames)"
    counts = Counter(frame.folded for frame in frames if frame.folded and frame not in own)
    if counts:
        yield f"(left out: {', '.join(f'{count} frames of {whose}' for whose, count in counts.items())})"


def _frames(error: BaseException) -> Iterator[Frame]:
    trace = error.__traceback__
    while trace is not None:
        yield _frame(trace.tb_frame.f_code, trace.tb_lineno)
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        yield Frame(error.filename, error.lineno, "what cannot be read", "")


def _frame(code: CodeType, line: int, function: str = "") -> Frame:
    folded = next((name for folder, name in FOLDED.items() if code.co_filename.startswith(folder)), "")
    return Frame(code.co_filename, line, function or code.co_name, folded)


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    at: BaseException | None = error
    for _ in range(ERRORS_MAX):
        if at is None:
            return
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
