"""A trap for a daemon: it is killed when the world has seen so many signs of it, or a little later."""

from __future__ import annotations

import signal
from collections.abc import Callable

import trio

from tests.crash.process import Daemon


class Trap:
    """Springs once for each time it is set.

    Args:
        nursery: owns the task that waits where it springs later.
        daemon: whom it kills.

    Attributes:
        sprung: set when it has killed.
    """

    def __init__(self, nursery: trio.Nursery, daemon: Callable[[], Daemon]) -> None:
        self.sprung = trio.Event()
        self._nursery = nursery
        self._daemon = daemon
        self._ticks_left = 0
        self._after_s = 0.0

    def set(self, ticks: int, after_s: float) -> None:
        """Kill it when the world has seen so many more signs of it: in that moment, or so much later."""
        self.sprung = trio.Event()
        self._ticks_left = ticks
        self._after_s = after_s

    def tick(self) -> None:
        """The world has seen a sign of it."""
        self._ticks_left -= 1
        if self._ticks_left == 0:
            if self._after_s:
                self._nursery.start_soon(self._spring_later, self._daemon())
            else:
                self._spring()

    def spring(self) -> None:
        """Kill it now, unless that was done."""
        if not self.sprung.is_set():
            self._ticks_left = 0
            self._spring()

    async def _spring_later(self, daemon: Daemon) -> None:
        await trio.sleep(self._after_s)
        if self._daemon() is daemon and not daemon.is_over:
            self._spring()

    def _spring(self) -> None:
        self._daemon().signal(signal.SIGKILL)
        self.sprung.set()
