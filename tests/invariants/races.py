"""Resets that race the exhaustion of a credential pool, all within one tick of the clock.

`python -m tests.invariants.races 2000` (`make races`) runs so many seeds of the scheduler and prints the
counts. In each, every source of a reset has a chat of its own with a pool of its own; all of them reach the
last 402 in one
instant, and each reset comes so many rounds of the scheduler before or after it. So it falls on every
checkpoint of the turn: before its message is claimed, between two refusals, into the commit of its end, and
behind it. What the seed draws is the order of tasks; which cells (source, pool, way, rounds) are met follows
from its number, so that 336 seeds in a row meet every cell there is.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
from collections import Counter
from itertools import product
from time import perf_counter

import trio
from trio.testing import MockClock

from hermes_trio.testing.scheduling import seeded_scheduling
from tests.invariants.race_chats import POOLS, SOURCES, Cell, ready_to_race
from tests.invariants.race_checks import FELL, after, fell

LATES = range(-20, 36)
"""A test measures that these rounds reach from the turn's first checkpoint to behind its last."""

WAYS = ("tell", "defer")
CELLS = {
    source: [Cell(source, pool, way, late) for late, pool, way in product(LATES, POOLS, WAYS)]
    for source in SOURCES
}
OF_EACH = len(LATES) * len(POOLS) * len(WAYS)
STRIDE = 101
"""Has no divisor in common with OF_EACH, so that few seeds reach far too."""


def cells(seed: int) -> list[Cell]:
    """The cells that a seed meets: one of each source."""
    return [of[(seed * STRIDE + n * 67) % OF_EACH] for n, of in enumerate(CELLS.values())]


async def race(seed: int) -> Counter[tuple[Cell, str]]:
    """Run one seed; returns where each reset fell."""
    with seeded_scheduling(seed):
        async with ready_to_race(*cells(seed), seed=seed) as (world, chats):
            async with trio.open_nursery() as nursery:
                for chat in chats:
                    nursery.start_soon(chat.race)
            await after(world, chats)
            return Counter((chat.cell, fell(chat)) for chat in chats)


def races(seeds: range) -> Counter[tuple[Cell, str]]:
    """Run these seeds; returns what became of each race. Fails at the first that is wrong, naming it."""

    async def run() -> Counter[tuple[Cell, str]]:
        became: Counter[tuple[Cell, str]] = Counter()
        for seed in seeds:
            try:
                became += await race(seed)
            except BaseException as error:
                error.add_note(f"seed {seed}: python -m tests.invariants.races {seed}:{seed + 1}")
                raise
        return became

    try:
        return trio.run(run, clock=MockClock(autojump_threshold=0))
    finally:
        gc.collect()


def table(became: Counter[tuple[Cell, str]]) -> str:
    """The counts: for each source and way how many races, how many cells they met, and where resets fell."""
    rows = [("reset by", "no key", "races", "cells", "met", *FELL)]
    for source, way in product(SOURCES, WAYS):
        mine = {key: count for key, count in became.items() if (key[0].source, key[0].way) == (source, way)}
        fallen = [sum(count for (_, where), count in mine.items() if where == at) for at in FELL]
        met = len({cell for cell, _ in mine})
        rows.append((source, way, *map(str, (sum(fallen), OF_EACH // len(WAYS), met, *fallen))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def main(first: int, end: int) -> None:
    """Run these seeds on every core, and print what was run."""
    began = perf_counter()
    slices = [range(at, min(at + 25, end)) for at in range(first, end, 25)]
    # A world's garbage is collected with that of its slice: a sixth of the time is saved.
    with multiprocessing.Pool(initializer=gc.disable) as pool:
        became = sum(pool.imap_unordered(races, slices), Counter())
    met = Counter(cell for cell, _ in became.elements())
    total = OF_EACH * len(SOURCES)
    what = f"{len(SOURCES)} sources x {len(POOLS)} pools x {len(WAYS)} ways x {len(LATES)} rounds"
    print(table(became))
    print(
        f"{end - first} seeds x {len(SOURCES)} sources of a reset = {became.total()} races,"
        f" over {total} cells ({what}): {len(met)} met, each at least {min(met.values())} times."
        f" Nothing wedged, nothing lost. {perf_counter() - began:.0f} s"
    )
    if end - first >= OF_EACH:
        assert len(met) == total, "cells were left out"


if __name__ == "__main__":
    start, _, stop = sys.argv[1].rpartition(":")
    main(int(start or 0), int(stop))
