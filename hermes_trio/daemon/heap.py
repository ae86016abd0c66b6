"""Gives freed memory back to the system when the gateway has nothing to do.

The C library keeps freed memory between objects that are still in use. After many long conversations at once
the process would stay as large as at its peak.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import trio

EVERY_S = 5.0
WORTH_BYTES = 4 << 20
"""It has to have grown by so much since the last time."""


async def give_back(at_rest: Callable[[], Awaitable[None]]) -> None:
    """Give memory back whenever all work has ended, for ever. Where the machine cannot it ends at once.

    Cancelled: what was given back is.
    """
    least = give_back_now()
    while least:
        await trio.sleep(EVERY_S)
        with suppress(OSError):  # no descriptor is left: it is looked at again
            if resident() >= least + WORTH_BYTES:
                await at_rest()
                least = give_back_now() or least


def give_back_now() -> int:
    """Give back what is free; returns what is still held, in bytes, or 0 where that cannot be done."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
        return resident()
    except (OSError, AttributeError):
        return 0


def resident() -> int:
    """How much of the machine's memory the process holds, in bytes. Raises OSError without a descriptor."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")
