"""A store that fails costs time, and no message."""

from __future__ import annotations

import trio

from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, open_world

from .invariants import check
from .scenes import answer, ends


async def test_intake_that_cannot_commit_confirms_nothing_shows_it_and_recovers(autojump_clock):
    async def agent(turn):
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        world.disk.full = True
        await world.say("ada", "hello")
        await world.until(seconds=30)
        assert world.platform.unread == 1
        health = world.gateway.health()["memory/main"]
        assert not health.receiving
        assert health.why.startswith("store:")
        world.disk.full = False
        await world.settle()
        assert world.now < 41
        assert world.texts("ada", "final") == ["re: hello"]
        assert world.gateway.health()["memory/main"].receiving
        assert len(world.lines("account down")) == 1
        check(world)


async def test_a_turn_whose_end_cannot_be_written_is_adopted_by_the_same_task(autojump_clock):
    runs = []

    async def agent(turn):
        runs.append(turn.attempt)
        await turn.step("once", answer)
        await trio.sleep(10)
        return f"re: {turn.text}"

    async with open_world(agent, options=GatewayOptions(turns_max=1, progress_every_s=0)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=5)
        world.disk.full = True
        await world.until(seconds=60)
        assert world.gateway.river.turns.places.held == 0
        assert world.db.execute("select state from turn").fetchall() == [("running",)]
        world.disk.full = False
        await world.settle()
        assert world.texts("ada", "final") == ["re: hello"]
        assert runs == [1, 2]
        assert world.db.execute("select boot, attempt, state from turn").fetchall() == [(1, 2, "finished")]
        check(world)


async def test_a_turn_whose_end_can_never_be_written_is_failed_after_three_tries(autojump_clock):
    """Small writes succeed, this answer does not: the model is not asked for ever."""
    runs = []

    async def agent(turn):
        runs.append(turn.attempt)
        return "big " * 50_000

    async with open_world(agent, platform=MemoryPlatform()) as world:
        (pages,) = world.db.execute("pragma page_count").fetchone()
        world.db.execute(f"pragma max_page_count = {pages + 8}")
        await world.say("ada", "hello")
        await world.until(minutes=10)
        assert runs == [1, 2, 3]
        assert await ends(world) == [("failed", "StoreFailed")]
        check(world)


async def test_sessions_recover_by_themselves_when_the_store_does(autojump_clock):
    async def agent(turn):
        await turn.step("once", answer)
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        for n in range(20):
            await world.say(f"user{n}", "hello")
            await world.until(seconds=n * 0.001)
            if n == 10:
                world.disk.full = True
        await world.until(seconds=20)
        world.disk.full = False
        await world.until(seconds=90)
        assert set(await world.outcomes()) <= {"answered", "failed"}
        await world.say("user0", "again")
        await world.settle()
        assert world.texts("user0", "final")[-1] == "re: again"
        check(world)
