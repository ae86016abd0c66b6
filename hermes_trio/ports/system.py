"""The wall clock and chance."""

from __future__ import annotations

from typing import Protocol


class WallClock(Protocol):
    """Calendar time. Durations never come from here; they come from the loop's own clock."""

    def now(self) -> float:
        """Seconds since 1970."""


class Chance(Protocol):
    """Ids and jitter. `random.Random` and `random.SystemRandom` are one."""

    def random(self) -> float:
        """A float in [0, 1)."""

    def getrandbits(self, k: int, /) -> int:
        """A non-negative int of k bits."""
