"""Time that is given to somebody else: what they wait for us, or do not run, is not of it.

A deadline of the loop is passed at the first look of a process that was stopped for an hour (SIGSTOP, a
laptop's lid), and while its task stands in the writer's queue. So one task looks at what is given, every few
seconds; as much as it comes late, nobody has lived.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import trio

LOOKS, OFTEN_S, SELDOM_S = 60, 1.0, 10.0
"""What is given is looked at so often in its time, within these bounds: what a stop of the process costs it
is at most one look."""

NEVER = float("inf")


class Allowances:
    """Ends what is given in time, in seconds that this process has lived."""

    def __init__(self) -> None:
        self._given: set[Allowance] = set()
        self._lost_s = 0.0
        self._looks_at = NEVER
        self._news = trio.Event()

    async def serve(self) -> None:
        """Look, until cancelled."""
        while True:
            now, at, self._news = self.lived(), trio.current_time(), trio.Event()
            # What no clock can tell from now is over: else this looked again and again, and no time passed.
            for one in [one for one in self._given if at + (one.ends_at - now) <= at]:
                one.over()
            wait_s = min((min(one.every_s, one.ends_at - now) for one in self._given), default=NEVER)
            self._looks_at = trio.current_time() + wait_s
            with trio.move_on_at(self._looks_at):
                await self._news.wait()

    def lived(self) -> float:
        """Seconds that this process has lived, since some moment."""
        now = trio.current_time()
        if now > self._looks_at:
            self._lost_s += now - self._looks_at
            self._looks_at = now
        return now - self._lost_s

    def begin(self, one: Allowance) -> None:
        """From now on it is looked at, also where the process stops before the next look is begun."""
        self._given.add(one)
        looks_at = min(one.ends_at + self._lost_s, trio.current_time() + one.every_s)
        if looks_at < self._looks_at:
            self._looks_at = looks_at
            self._news.set()

    def end(self, one: Allowance) -> None:
        """From now on it is not."""
        self._given.discard(one)


class Allowance:
    """So much time for what is done in `given`.

    Args:
        of: ends it.
        seconds: how much.

    Attributes:
        ends_at: when it is over, as `Allowances.lived` counts.
        every_s: how long it is not looked at, at most.
        passed: it was over before its block was left.
    """

    __slots__ = ("_left_s", "_of", "_scope", "_stopped", "_stops", "ends_at", "every_s")

    def __init__(self, of: Allowances, seconds: float) -> None:
        self._of = of
        self._left_s = seconds
        self._scope = trio.CancelScope()
        self._stops = 1
        self._stopped = _Stopped(self)
        self.ends_at = NEVER
        self.every_s = min(SELDOM_S, max(OFTEN_S, seconds / LOOKS))

    @property
    def passed(self) -> bool:
        return self._scope.cancelled_caught

    @contextmanager
    def given(self) -> Iterator[None]:
        """Cancel the block when the time is over; then `passed`. Once."""
        with self._scope:
            self.go_on()
            try:
                yield
            finally:
                self.stop()

    def stopped(self) -> AbstractContextManager[None]:
        """What the block waits for does not count. Such blocks may lie in one another."""
        return self._stopped

    def over(self) -> None:
        """The time is over."""
        self._of.end(self)
        self._scope.cancel(reason="the time given is over")

    def stop(self) -> None:
        """From now on its time does not pass, until `go_on` was called as often."""
        self._stops += 1
        if self._stops == 1:
            self._of.end(self)
            self._left_s = self.ends_at - self._of.lived()

    def go_on(self) -> None:
        """One of those who stopped it has ended."""
        self._stops -= 1
        if self._stops == 0:
            self.ends_at = self._of.lived() + self._left_s
            self._of.begin(self)


class _Stopped:
    """A block that does not count. A turn has several, so that each would pay for a generator."""

    __slots__ = ("_allowance",)

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance

    def __enter__(self) -> None:
        self._allowance.stop()

    def __exit__(self, *_: object) -> None:
        self._allowance.go_on()
