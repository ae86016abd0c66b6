"""Hermes #28686 and #28689: a reset while the last key is refused, and the session never answers again.

Each test quotes the sentence of behaviour it answers. The naive models are what Hermes did before, and what
its first fix did; both fail the checks that the gateway passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest
import trio

from hermes_trio.errors import NoCredentials
from hermes_trio.testing import fails, open_world, rounds
from tests.invariants.at_rest import check


class Naive:
    """A slot that is an entry in a table, freed at a turn's end: by number (#28686), or anyhow (#28689).

    Attributes:
        outcomes: of each text that was said; None while nobody has answered it.
        most: how many turns ran at once.
    """

    def __init__(self, nursery: trio.Nursery, work: Callable, *, by_number: bool) -> None:
        self.nursery = nursery
        self.work = work
        self.by_number = by_number
        self.generation = 0
        self.slot: int | None = None
        self.running = self.most = 0
        self.outcomes: dict[str, str | None] = {}

    def say(self, text: str) -> None:
        self.outcomes[text] = None
        if text == "/new":
            self.generation += 1
            self.outcomes[text] = "answered"
            if not self.by_number:
                self.slot = None
        elif self.slot is None:
            self.slot = self.generation
            self.nursery.start_soon(self.turn, text, self.generation)

    async def turn(self, text: str, generation: int) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.work(text)
            self.outcomes[text] = "answered"
        except NoCredentials:
            self.outcomes[text] = "refused"
        finally:
            self.running -= 1
            if not self.by_number or generation == self.generation:
                self.slot = None


def all_settled(outcomes: dict[str, str | None]) -> None:
    """Everything that was said has its outcome."""
    assert [text for text, outcome in outcomes.items() if outcome is None] == []


async def test_after_a_reset_amid_a_hanging_call_that_then_is_refused_every_hello_has_one_outcome(
    autojump_clock,
):
    """'After /new or a reset skill, the thread never answers again until the gateway is restarted.'

    Two hundred people at once, each with a jitter of up to 50 ms between the reset and the 402.
    """
    jitter = Random(28686)
    async with open_world(keys=["a"], commit_s=0.001) as world:
        world.model.refuse("a", line=fails("quota", after_s=1.0))
        people = [f"u{n}" for n in range(200)]
        for name in people:
            world.platform.push(world.platform.message(name, "work"))
        await world.until(seconds=0.9)

        async def reset_then_hello(name: str) -> None:
            await trio.sleep(0.075 + 0.05 * jitter.random())
            for text in ("/new", "hello", "hello", "hello"):
                world.platform.push(world.platform.message(name, text))

        async with trio.open_nursery() as nursery:
            for name in people:
                nursery.start_soon(reset_then_hello, name)
        await world.until(seconds=10)
        outcomes: dict[str, list[str | None]] = {name: [] for name in people}
        for row in await world.gateway.ledger(limit=10_000):
            outcomes[row.chat].append(row.outcome)
        became = Counter(one[0] for one in outcomes.values())
        assert set(became) == {"superseded", "refused"}, became
        assert all(one[1:] == ["answered", "refused", "refused", "refused"] for one in outcomes.values())
        assert world.gateway.wiring.turns.limiter.held == 0
        check(world)


async def test_a_slot_released_by_number_stays_taken(autojump_clock):
    """'reset bumps a generation number; the old turn's cleanup sees "not my generation" and skips'."""

    async def refused(text):
        await trio.sleep(1)
        raise NoCredentials(None, "quota")

    async with trio.open_nursery() as nursery:
        naive = Naive(nursery, refused, by_number=True)
        naive.say("work")
        await trio.sleep(0.95)
        naive.say("/new")
        await trio.sleep(5)
        naive.say("hello")
    with pytest.raises(AssertionError, match="hello"):
        all_settled(naive.outcomes)


async def works(text):
    """Slow to leave: what cancels it waits for it."""
    await trio.sleep(1)


async def test_a_slot_released_by_whoever_ends_is_released_for_somebody_else(autojump_clock):
    """'the old `finally` pops the new turn's slot ... a third message can start a parallel turn'."""
    async with trio.open_nursery() as nursery:
        naive = Naive(nursery, works, by_number=False)
        naive.say("one")
        await trio.sleep(0.9)
        naive.say("/new")
        naive.say("two")
        await trio.sleep(0.2)  # the first has ended, and the slot of the second is free
        naive.say("three")
    assert naive.most > 1


async def test_here_an_old_turn_that_ends_late_frees_nothing_that_is_not_its_own(autojump_clock):
    """The same, and the same three messages: never two turns of a session, whichever ends first."""
    running: Counter[int] = Counter()
    most = 0

    async def agent(turn):
        nonlocal most
        running[turn.session] += 1
        most = max(most, running[turn.session])
        try:
            with trio.CancelScope(shield=True):
                await works(turn.text)
        finally:
            running[turn.session] -= 1
        return "re: " + turn.text

    for late in range(0, 40, 3):
        async with open_world(agent, seed=late) as world:
            await world.say("ada", "one")
            await world.until(seconds=0.9)
            await rounds(late)
            for text in ("/new", "two"):
                world.platform.push(world.platform.message("ada", text))
            await world.until(seconds=1.1)
            await world.say("ada", "three")
            await world.settle()
            assert await world.outcomes() == ["superseded", "answered", "answered", "answered"]
            assert world.texts("ada", "final") == [
                "re: two",
                "re: three",
            ]
            check(world)
    assert most == 1


async def test_a_late_result_of_the_old_turn_has_no_scope_and_no_row(autojump_clock):
    """'After /new the old question's answer arrives, or the new session carries the old one's state.'"""
    histories = []

    async def agent(turn):
        histories.append([entry.text for entry in await turn.history()])
        if turn.text == "question 1":
            with trio.CancelScope(shield=True):
                await trio.sleep(30)
            return "OLD"
        return "NEW"

    async with open_world(agent) as world:
        await world.say("ada", "question 1")
        await world.until(seconds=1)
        for text in ("/new", "question 2"):
            world.platform.push(world.platform.message("ada", text))
        await world.until(seconds=60)
        assert world.platform.texts("ada") == ["New session.", "NEW"]
        assert histories[-1] == []
        assert world.db.execute("select count(*) from entry where body like '%OLD%'").fetchone() == (0,)
