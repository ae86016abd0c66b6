"""What begins only if it is still wanted after a while. One task serves all turns."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf

import trio

DROPPED_MAX = 1000
"""How many dropped starts may lie in the queue before it is cleared of them."""


class DelayedStarts:
    """Begins the activity of turns that have lasted.

    Most turns end before that: then they have cost an entry in a queue, and no task.
    """

    def __init__(self) -> None:
        self._due: list[tuple[float, int, DelayedStart]] = []
        self._dropped = 0
        self._number = count()
        self._news = trio.Event()

    def after(self, seconds: float, begin: Callable[[], None]) -> DelayedStart:
        """Call `begin` so many seconds from now, unless `DelayedStart.drop` is called before."""
        start = DelayedStart(self, begin)
        heappush(self._due, (trio.current_time() + seconds, next(self._number), start))
        if self._due[0][2] is start:
            self._news.set()
        return start

    def forget_one(self) -> None:
        """One was dropped. Dropped ones leave the queue when they are many, or when their time has come."""
        self._dropped += 1
        if self._dropped > max(DROPPED_MAX, len(self._due) // 2):
            self._due = [one for one in self._due if one[2].begin is not None]
            heapify(self._due)
            self._dropped = 0

    async def serve(self) -> None:
        """Call what is due, in time, until cancelled."""
        while True:
            self._begin_due()
            self._news = trio.Event()
            with trio.move_on_at(self._due[0][0] if self._due else inf):
                await self._news.wait()

    def _begin_due(self) -> None:
        """Begin what is due. Dropped ones at the head of the queue are thrown away."""
        now = trio.current_time()
        while self._due and (self._due[0][0] <= now or self._due[0][2].begin is None):
            _, _, start = heappop(self._due)
            begin, start.begin = start.begin, None
            if begin is not None:
                begin()
            else:
                self._dropped -= 1


class DelayedStart:
    """Something to begin later, or never."""

    __slots__ = ("_of", "begin")

    def __init__(self, of: DelayedStarts, begin: Callable[[], None]) -> None:
        self._of = of
        self.begin: Callable[[], None] | None = begin

    def drop(self) -> None:
        """Do not begin it any more."""
        if self.begin is not None:
            self.begin = None
            self._of.forget_one()
