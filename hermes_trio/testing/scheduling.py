"""One seed, one order of tasks: the only place that touches what trio keeps to itself for this."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import trio._core._run as core


@contextmanager
def seeded_scheduling(seed: int) -> Iterator[None]:
    """While the body runs, trio's order of tasks depends on the seed alone.

    Raises:
        RuntimeError: this version of trio keeps its chance elsewhere; the seed would mean nothing.
    """
    if not isinstance(getattr(core, "_r", None), random.Random) or not hasattr(core, _SWITCH):
        raise RuntimeError("trio has moved its scheduling's chance; scheduling.py must follow")
    before, state = getattr(core, _SWITCH), core._r.getstate()
    setattr(core, _SWITCH, True)
    core._r.seed(seed)
    try:
        yield
    finally:
        setattr(core, _SWITCH, before)
        core._r.setstate(state)


_SWITCH = "_ALLOW_DETERMINISTIC_SCHEDULING"
