"""The one file that asks the machine for calendar time and chance."""

from __future__ import annotations

import os
import random
import time
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

MACHINE_ZONE = Path("/etc/localtime")


_BOOTTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Without a CLOCK_BOOTTIME (macOS, BSD) CLOCK_MONOTONIC is what may count the sleep of a machine."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def boottime(self) -> float:
        """Seconds since the machine was started, its sleep included."""
        return time.clock_gettime(_BOOTTIME)


def zone(name: str = "") -> tzinfo:
    """The time zone of an IANA name; of none, the machine's: `$TZ`, else what it is set to, else UTC.

    Raises:
        ValueError: there is no zone of this name.
    """
    if name == "UTC":
        return UTC
    try:
        if name:
            return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"no time zone {name!r}") from error
    try:
        if wanted := os.environ.get("TZ", "").removeprefix(":"):
            return ZoneInfo(wanted)
        with MACHINE_ZONE.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (KeyError, ValueError, OSError):
        return UTC


def system_chance() -> random.Random:
    """Chance from the operating system."""
    return random.SystemRandom()


def seeded_chance(seed: str) -> random.Random:
    """Chance that is the same in every run, for tests and simulation."""
    return random.Random(seed)  # noqa: S311 - the same in every run is what it is for
