"""The time of a shared store, as a boot knows it."""

from __future__ import annotations

from hermes_trio.ports.system import MachineClock


class StoreClock:
    """Tells the time of a shared store from its newest answer and from what has passed since.

    The clocks of the machines may be wrong by minutes, and each by another. A time that one boot writes down
    (when a turn wakes, until when a chat is left alone) is read by another.

    Args:
        at: the store's time now, seconds since 1970.
    """

    def __init__(self, machine: MachineClock, at: float) -> None:
        self._machine = machine
        self.is_now(at)

    def is_now(self, at: float) -> None:
        """The store has just said that it is so late."""
        self._at, self._read_at = at, self._machine.boottime()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._at + self._machine.boottime() - self._read_at
