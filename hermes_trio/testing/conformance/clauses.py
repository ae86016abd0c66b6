"""A contract as a table of clauses: each a sentence, and the check that looks whether it is kept.

A check is an async function whose name is the clause's and whose docstring's first paragraph is its
sentence. It raises Unlike if the contract is broken: that says what was wanted and what was seen. It raises
Unable if the tester's side lacks what the check needs. Such a clause is reported as skipped, never as kept.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, TypeVar

import trio
from msgspec import Struct

from hermes_trio.runtime.tracebacks import places_of

CLAUSE_S = 15.0
"""How long one clause may take, in seconds of the loop's clock."""
UNREADY_MAX = 2
"""After so many clauses that found nothing to look at no further one is looked at."""
HUNG_MAX = 3
"""Nor after so many that waited until their time was over."""

T = TypeVar("T")
Check = Callable[[T], Awaitable[None]]


class Unlike(Exception):
    """What a check saw is not what the contract says.

    Args:
        wanted: by the contract, as a sentence.
        saw: what came instead.
    """

    def __init__(self, wanted: str, saw: object) -> None:
        super().__init__(f"wanted: {wanted}\n    saw: {_short(saw)}")


class Unable(Exception):
    """The tester's side cannot do what the check needs; the text says what."""


class Skipped(Struct, frozen=True):
    """A clause that was not looked at, and why."""

    clause: str
    why: str


class Report(Struct, frozen=True):
    """What was found of an implementation that broke nothing.

    Args:
        port: whose contract it was held against.
        kept: the clauses that were looked at.
        skipped: those that were not.
    """

    port: str
    kept: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    def __str__(self) -> str:
        lines = [f"{self.port}: {len(self.kept)} clauses kept, {len(self.skipped)} skipped"]
        return "\n".join([*lines, *(f"  skipped {one.clause}: {one.why}" for one in self.skipped)])


class Broken(AssertionError):
    """An implementation does not keep its port's contract; the text names each clause, in order.

    Attributes:
        clauses: the names of those that are broken.
    """

    def __init__(self, port: str, breaches: Sequence[tuple[str, str, str]], unseen: int = 0) -> None:
        told = [f"  {port}.{name}: {says}\n    {what}" for name, says, what in breaches]
        told += [f"{unseen} further clauses were not looked at: many would end alike"] if unseen else []
        super().__init__("\n".join([f"{len(breaches)} clauses of the {port} contract are broken:", *told]))
        self.clauses = tuple(name for name, _, _ in breaches)


def expect(holds: bool, wanted: str, saw: object) -> None:
    """Raise Unlike unless it holds."""
    if not holds:
        raise Unlike(wanted, saw)


def sentence(check: Callable[..., object]) -> str:
    """What a clause says: the first paragraph of its check's docstring."""
    return " ".join((inspect.getdoc(check) or "").partition("\n\n")[0].split())


async def hold_against(
    port: str,
    checks: Sequence[Check[T]],
    subject: Callable[[], AbstractAsyncContextManager[T]],
    only: Collection[str],
    within_s: float = CLAUSE_S,
) -> Report:
    """Look at each clause with a subject of its own.

    Args:
        subject: makes what a check looks at. Its `is_ready` says whether there is anything to look at, its
            `waits_for` what was waited for; it needs neither.
        only: names of clauses; empty: all.
        within_s: how long a clause may take, in seconds of the loop's clock.

    Raises:
        Broken: after all have been looked at, or when there was nothing to look at: at once where the
            subject could not be opened, after `UNREADY_MAX` clauses where it was not ready, after `HUNG_MAX`
            whose time was over.
        ValueError: `only` names no clause.
    """
    if unknown := set(only) - {check.__name__ for check in checks}:
        raise ValueError(f"the {port} contract has no clause {', '.join(sorted(unknown))}")
    kept: list[str] = []
    skipped: list[Skipped] = []
    breaches: list[tuple[str, str, str]] = []
    unready = hung = 0
    wanted = [check for check in checks if not only or check.__name__ in only]
    for count, check in enumerate(wanted, start=1):
        name: str = check.__name__
        with _Outcome() as outcome:
            with trio.fail_after(within_s):
                async with subject() as one:
                    outcome.subject = one
                    await check(one)
        if outcome.breach is not None:
            breaches.append((name, sentence(check), outcome.breach))
            unready += not getattr(outcome.subject, "is_ready", True)
            hung += outcome.hung
            if outcome.subject is None or unready == UNREADY_MAX or hung == HUNG_MAX:
                raise Broken(port, breaches, unseen=len(wanted) - count)
        elif outcome.unable is not None:
            skipped.append(Skipped(name, outcome.unable))
        else:
            kept.append(name)
    if breaches:
        raise Broken(port, breaches)
    return Report(port, tuple(kept), tuple(skipped))


class _Outcome:
    """How a check ended. A stranger's code runs in it, so any error of it is a breach; a cancel passes.

    Attributes:
        subject: what the check looked at, None as long as it is not there.
        breach: what was broken, None for nothing.
        unable: what could not be played, None for nothing.
        hung: its time was over.
    """

    def __init__(self) -> None:
        self.subject: object = None
        self.breach: str | None = None
        self.unable: str | None = None
        self.hung = False

    def __enter__(self) -> _Outcome:
        return self

    def __exit__(self, kind: object, error: BaseException | None, tb: TracebackType | None) -> bool:
        if error is None:
            return True
        leaves = list(_leaves(error))
        if not all(isinstance(leaf, Exception) for leaf in leaves):
            return False
        unlike = [leaf for leaf in leaves if isinstance(leaf, Unlike)]
        others = [leaf for leaf in leaves if not isinstance(leaf, Unlike | Unable)]
        if unlike:
            self.breach = str(unlike[0])
            if unlike[0].__cause__ is not None:
                self.breach += f"\n{_where(unlike[0].__cause__)}"
        elif others:
            self.hung = isinstance(others[0], trio.TooSlowError)
            self.breach = _foreign(others[0], getattr(self.subject, "waits_for", ""))
        else:
            self.unable = str(leaves[0])
        return True


def _foreign(error: BaseException, waits_for: str) -> str:
    if isinstance(error, trio.TooSlowError):
        wanted = waits_for or "an end in its time"
        return f"wanted: {wanted}\n    saw: it did not come\n{_where(error)}"
    return f"wanted: no such error\n    saw: {type(error).__name__}: {_short(error)}\n{_where(error)}"


def _where(error: BaseException) -> str:
    """The frames of whoever wrote what is under trial; ours and trio's are counted."""
    return indented(places_of(error))


def indented(places: str) -> str:
    """Frames, as they stand below what was seen."""
    return "\n".join(f"    {line}" for line in places.splitlines())


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _leaves(one)
    else:
        yield error


def _short(saw: Any) -> str:
    text = saw if isinstance(saw, str) else str(saw) if isinstance(saw, BaseException) else repr(saw)
    return text if len(text) <= 400 else f"{text[:400]}… ({len(text)} characters)"
