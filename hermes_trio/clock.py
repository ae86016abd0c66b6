"""The one file that asks the machine for calendar time and chance."""

from __future__ import annotations

import random
import time


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()


def system_chance() -> random.Random:
    """Chance from the operating system."""
    return random.SystemRandom()


def seeded_chance(seed: str) -> random.Random:
    """Chance that is the same in every run, for tests and simulation."""
    return random.Random(seed)  # noqa: S311 - the same in every run is what it is for
