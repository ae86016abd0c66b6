"""Calendar time in a World."""

from __future__ import annotations

import trio

WALL_START = 1_800_000_000.0


class WorldClock:
    """Wall time that follows the mock clock.

    Attributes:
        offset: seconds by which it has been set, forward or back.
    """

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return WALL_START + trio.current_time() + self.offset
