"""An outage of the store is one fact: the log says once that it fails, and once that it works again.

Three notice it: a start that waits, a lease that is not renewed, and whoever asks on behalf of all tasks that
the store has refused (`OneAsks`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from hermes_trio.errors import LeaseOver, StoreClosed, StoreFailed
from hermes_trio.ports.system import Log
from hermes_trio.runtime.retry import until_stored

T = TypeVar("T")


class Outage:
    """Of the store of one gateway, while there is one.

    Args:
        log: told of its beginning and of its end.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._began: float | None = None

    def goes_on(self, error: StoreFailed) -> None:
        """The store has failed for all who write, for this reason."""
        if self._began is None:
            self._began = trio.current_time()
            self._log.error("store fails", why=str(error))

    def is_over(self) -> None:
        """The store has taken a write."""
        if self._began is not None:
            seconds, self._began = trio.current_time() - self._began, None
            self._log.info("store works", after_s=seconds)

    async def outlast(self, write: Callable[[], Awaitable[T]]) -> T:
        """Write as soon as the store can, as `until_stored`: for what a start cannot go on without."""
        result = await until_stored(write, self.goes_on)
        self.is_over()
        return result


class OneAsks:
    """Tells all who wait when the store takes writes again. One of them tries, for all others.

    Args:
        probe: a promise that writes, and changes nothing.
        outage: is told what the probes find.

    Attributes:
        taken: how often the store has begun to take writes again.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]], outage: Outage) -> None:
        self._probe = probe
        self._outage = outage
        self._asking = trio.Lock()
        self.taken = 0
        self._at_once = True

    async def again(self, wait_s: float) -> None:
        """Wait for the next try of a write: so many seconds, and until the store takes any write.

        Cancelled: as `wait`.
        """
        taken = self.taken
        await trio.sleep(wait_s)
        await self.wait(taken)

    async def is_well(self) -> bool:
        """Whether the store takes a write now. If not, wait until it does, or until nobody may write.

        Cancelled: as `wait`.
        """
        try:
            return await self.wait(self.taken)
        except (StoreClosed, LeaseOver):
            return False

    async def wait(self, taken: int) -> bool:
        """Wait until `taken` has changed. Returns whether the first probe was taken at once.

        Cancelled: the next one who waits tries instead.
        """
        async with self._asking:
            if self.taken == taken:
                refusals: list[StoreFailed] = []

                def refused(error: StoreFailed) -> None:
                    refusals.append(error)
                    self._outage.goes_on(error)

                await until_stored(self._probe, refused)
                self._outage.is_over()
                self.taken += 1
                self._at_once = not refusals
            return self._at_once
