"""A reset in the same tick as the last credential is refused: whatever the order, the slot is free.

`make races` runs 2,000 seeds, which meet every cell; here is a slice of them. What is checked is in
race_checks.py.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
import trio

from hermes_trio.testing import rounds
from hermes_trio.testing.scheduling import seeded_scheduling
from tests.invariants.race_chats import POOLS, SOURCES, Cell, Provider
from tests.invariants.race_checks import FELL, must_end
from tests.invariants.races import CELLS, LATES, OF_EACH, WAYS, cells, races, ready_to_race

SEEDS = int(os.environ.get("HERMES_TRIO_RACE_SEEDS", "168"))


def test_whatever_ends_a_conversation_while_its_last_key_is_refused_the_next_message_is_answered():
    became = races(range(SEEDS))
    assert became.total() == SEEDS * len(SOURCES)
    fell = Counter((cell.source, cell.way, where) for (cell, where) in became.elements())
    for source in SOURCES:
        for way in WAYS:
            # Each source came in time sometimes, and too late sometimes, or the rounds do not reach.
            inside = fell[source, way, "in"]
            late = fell[source, way, "behind"] + fell[source, way, "too late"]
            assert min(inside, late) >= SEEDS // 16, (source, way, fell)
    assert {where for _, _, where in fell} == set(FELL)


def test_so_many_seeds_as_a_source_has_cells_meet_them_all():
    met = {cell for seed in range(1000, 1000 + OF_EACH) for cell in cells(seed)}
    assert met == {cell for of in CELLS.values() for cell in of}
    assert len(met) == len(SOURCES) * len(POOLS) * len(WAYS) * len(LATES)


@pytest.mark.parametrize("pool", POOLS)
async def test_the_rounds_reach_from_before_a_turn_to_behind_its_last_word(autojump_clock, pool):
    with seeded_scheduling(0):
        async with ready_to_race(Cell("new", pool)) as (world, [chat]):
            chat.push("one")
            opened = closed = count = 0
            while world.gateway.wiring.lanes.live or not closed:
                await rounds(1)
                count += 1
                opened = opened or (count if "new" in str(world.lines("turn opened")[2:]) else 0)
                closed = closed or (count if len(world.lines("turn closed")) == 2 else 0)
            assert world.now == 61.0
            assert 0 < opened < closed < count <= LATES[-1]


# --- the check bites ------------------------------------------------------------------------------


class Naive:
    """Hermes before #28686: busy is a flag, a reset is a number, and whose number is old skips the release.

    What a session that is busy is told waits for the end of a turn, which hands it on with the flag.
    """

    def __init__(self, nursery: trio.Nursery, model: Provider) -> None:
        self.nursery = nursery
        self.model = model
        self.busy = False
        self.generation = 0
        self.outcomes: dict[str, str | None] = {}

    def say(self, text: str) -> None:
        self.outcomes[text] = None
        if text == "/new":
            self.generation += 1
            self.outcomes[text] = "answered"
        elif not self.busy:
            self.busy = True
            self.nursery.start_soon(self.turn, text, self.generation)

    async def turn(self, text: str, generation: int) -> None:
        try:
            await rounds(5)
            self.outcomes[text] = "refused" if self.model.refuses else "answered"
        finally:
            if generation == self.generation:
                self.busy = False


async def test_a_slot_that_is_a_flag_with_a_number_is_wedged_by_the_same_race(autojump_clock):
    fates = []
    for late in range(10):
        async with trio.open_nursery() as nursery:
            model = Provider()
            model.refuses = False
            naive = Naive(nursery, model)
            naive.say("hello")
            await trio.sleep(1)
            model.refuses = True
            naive.say("one")
            await rounds(late)
            naive.say("/new")
            naive.say("still there?")
            await trio.sleep(600)
            model.refuses = False
            naive.say("and now?")
        try:
            must_end(Cell("new"), list(naive.outcomes.values()))
        except AssertionError:
            fates.append("wedged")
        else:
            fates.append("well")
    assert fates[:4] == ["wedged"] * 4
    assert fates[8:] == ["well"] * 2
