"""The wall clock, chance, and the log."""

from __future__ import annotations

from typing import Any, Protocol


class WallClock(Protocol):
    """Calendar time. Durations never come from here; they come from the loop's own clock."""

    def now(self) -> float:
        """Seconds since 1970."""


class MachineClock(WallClock, Protocol):
    """The clocks of the machine that a gateway runs on."""

    def boottime(self) -> float:
        """Seconds since some moment in the past. Nobody can set it. It goes on while the process is frozen or
        the machine sleeps."""


class Chance(Protocol):
    """Ids and jitter. `random.Random` and `random.SystemRandom` are one."""

    def random(self) -> float:
        """A float in [0, 1)."""

    def getrandbits(self, k: int, /) -> int:
        """A non-negative int of k bits."""


class Log(Protocol):
    """Where lines of the log go. A bound logger of structlog is one.

    A line is an event and its fields: ids and lengths, never bodies. It takes what is at hand and never waits
    for long, fails, or shows a secret.
    """

    def info(self, event: str, **fields: Any) -> None:
        """What went as it should."""

    def warning(self, event: str, **fields: Any) -> None:
        """What goes on without anybody's help, and may tell somebody something."""

    def error(self, event: str, **fields: Any) -> None:
        """What somebody has to look at."""
