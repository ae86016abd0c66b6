"""Time in a World: the calendar, and the clocks of each machine."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import trio

from hermes_trio.ports.system import WallClock

T = TypeVar("T")

WALL_START = 1_800_000_000.0


async def at_once(work: Callable[[], T], /) -> T:
    """Work of a thread, done between two steps of the loop: a thread takes time that no World has."""
    await trio.lowlevel.checkpoint()
    return work()


class WorldClock:
    """Wall time that follows the mock clock. A shared store's clock is this one.

    Attributes:
        offset: seconds by which it has been set, forward or back.
    """

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return WALL_START + trio.current_time() + self.offset


class FreezingClock:
    """The clocks of one life's machine, which can freeze it.

    While it is frozen the life's tasks run on in the World, but they are not heard: each way out of the life
    waits in `awake`. What they do meanwhile, a frozen process does when it wakes; so that is what its clocks
    say.

    Attributes:
        ahead_s: by how much its wall clock is wrong.
    """

    def __init__(self, world: WallClock, ahead_s: float = 0.0) -> None:
        self.ahead_s = ahead_s
        self._world = world
        self._frozen_until = -math.inf
        self._woken = trio.Event()

    def now(self) -> float:
        """Seconds since 1970, as this machine has them."""
        return self._world.now() + self.ahead_s + self.boottime() - trio.current_time()

    def boottime(self) -> float:
        """Seconds since the World's mock clock began, time of a freeze included."""
        return max(trio.current_time(), self._frozen_until)

    @property
    def frozen_s(self) -> float:
        """How long it is still frozen, 0 if it is not."""
        return max(0.0, self._frozen_until - trio.current_time())

    def freeze(self, for_s: float) -> None:
        """Freeze it from now on, for so many seconds."""
        self._frozen_until = self.boottime() + for_s

    def wake(self) -> None:
        """It is frozen no longer."""
        self._frozen_until = -math.inf
        self._woken.set()
        self._woken = trio.Event()

    async def awake(self) -> None:
        """Return when it is not frozen; at once if it is not."""
        while trio.current_time() < self._frozen_until:
            with trio.move_on_at(self._frozen_until):
                await self._woken.wait()
