"""Allowances: time limits for code of others. Time that they wait for us, or do not run, does not count.

A deadline of the loop would count both: a process that was stopped for an hour (SIGSTOP, a laptop's lid) is
past it at once, and so is a task that waited in the writer's queue. So one task looks at all allowances every
few seconds. If it comes late, the process did not run in between: that time is taken off.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType

import trio

LOOKS, OFTEN_S, SELDOM_S = 60, 1.0, 10.0
"""An allowance is looked at `LOOKS` times in its time; from look to look it takes between `OFTEN_S` and
`SELDOM_S`. A stop of the process costs it at most one such span."""

NEVER = float("inf")


class Allowances:
    """Ends each allowance when its time is over, counted in seconds in which this process ran."""

    def __init__(self) -> None:
        self._given: set[Allowance] = set()
        self._lost_s = 0.0
        self._looks_at = NEVER
        self._news = trio.Event()

    async def serve(self) -> None:
        """Look, until cancelled."""
        while True:
            now, at, self._news = self.lived(), trio.current_time(), trio.Event()
            # An end that is too near to be told from now counts as reached. Else this would spin.
            for one in [one for one in self._given if at + (one.ends_at - now) <= at]:
                one.over()
            wait_s = min((min(one.every_s, one.ends_at - now) for one in self._given), default=NEVER)
            self._looks_at = trio.current_time() + wait_s
            with trio.move_on_at(self._looks_at):
                await self._news.wait()

    def lived(self) -> float:
        """Seconds in which this process ran, since some fixed moment."""
        now = trio.current_time()
        if now > self._looks_at:
            self._lost_s += now - self._looks_at
            self._looks_at = now
        return now - self._lost_s

    def begin(self, one: Allowance) -> None:
        """Look at it from now on, also if the process is stopped before the next look begins."""
        self._given.add(one)
        looks_at = min(one.ends_at + self._lost_s, trio.current_time() + one.every_s)
        if looks_at < self._looks_at:
            self._looks_at = looks_at
            self._news.set()

    def end(self, one: Allowance) -> None:
        """Do not look at it any more."""
        self._given.discard(one)


class Allowance:
    """A time limit for the block `with allowance:`, which is entered once. When the time is over the block is
    cancelled.

    Attributes:
        ends_at: when it is over, as `Allowances.lived` counts.
        every_s: seconds between two looks at it, at most.
        passed: it was over before its block was left.
    """

    __slots__ = ("_left_s", "_of", "_scope", "_stops", "ends_at", "every_s")

    def __init__(self, of: Allowances, seconds: float) -> None:
        self._of = of
        self._left_s = seconds
        self._scope = trio.CancelScope()
        self._stops = 1
        self.ends_at = NEVER
        self.every_s = min(SELDOM_S, max(OFTEN_S, seconds / LOOKS))

    @property
    def passed(self) -> bool:
        return self._scope.cancelled_caught

    def __enter__(self) -> None:
        self._scope.__enter__()
        self.go_on()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> bool:
        self.stop()
        return self._scope.__exit__(kind, error, trace)

    def stopped(self) -> AbstractContextManager[None]:
        """Time that passes in this block does not count. Such blocks may be nested."""
        return _Stopped(self)

    def over(self) -> None:
        """The time is over."""
        self._of.end(self)
        self._scope.cancel(reason="the time given is over")

    def stop(self) -> None:
        """Stop its time. It goes on when `go_on` was called as often as this."""
        self._stops += 1
        if self._stops == 1:
            self._of.end(self)
            self._left_s = self.ends_at - self._of.lived()

    def go_on(self) -> None:
        """Undo one `stop`."""
        self._stops -= 1
        if self._stops == 0:
            self.ends_at = self._of.lived() + self._left_s
            self._of.begin(self)


class _Stopped:
    """A block that does not count. Its allowance does not hold it, so both are gone without a collector."""

    __slots__ = ("_allowance",)

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance

    def __enter__(self) -> None:
        self._allowance.stop()

    def __exit__(self, *_: object) -> None:
        self._allowance.go_on()
