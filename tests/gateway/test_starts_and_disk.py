"""A start that meets a disk which refuses, or cannot be read, waits for it; nobody has to start it again."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.identity import Policy
from tests.invariants.at_rest import check
from tests.scenes import ends, verdicts

EVERYBODY = Policy(allow_users=("*",))
FRESH = Gateway(resume_freshness_s=60, turn_deadline_s=3600)


async def agent(turn):
    if turn.attempt == 1 and turn.text == "one":
        await trio.sleep(1000)
    return f"re: {turn.text}"


async def cut_off(world):
    """A turn that is too old, one that goes on, two messages of who may speak no more, and a command."""
    for user, second in (("old", 99), ("ada", 100), ("eve", 101), ("eve", 102)):
        await world.say(user, "one")
        await world.until(seconds=second)
    await world.say("bob", "/status")
    await world.until(seconds=103)
    world.crash()
    world.db.execute("update inbound set outcome = null, state = 'waiting' where kind = 'command'")
    world.platform.policy = Policy(allow_users=("ada", "bob", "old"))


@pytest.mark.parametrize("fault", ["store_fails_commit", "store_fails_read"])
@pytest.mark.parametrize("nth", [*range(1, 12), *range(12, 100, 4)])
async def test_no_write_and_no_query_that_fails_once_ends_a_start(autojump_clock, fault, nth):
    async with open_world(agent, platform=MemoryPlatform(policy=EVERYBODY), options=FRESH) as world:
        await cut_off(world)
        world.fault(fault, nth=nth)
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["re: one"]
        assert await ends(world) == [
            ("failed", "too_old"),
            ("answered", ""),
            ("failed", "not_allowed"),
            ("dropped", "allow_users"),
            ("answered", ""),
        ]
        assert sorted(verdicts(world)) == ["not_allowed", "resume", "too_old"]
        check(world)


async def test_a_disk_that_is_full_for_long_delays_the_start_and_says_so(autojump_clock):
    async with open_world(agent) as world:
        await world.say("ada", "one")
        await world.until(seconds=1)
        world.crash()
        world.fault("store_full", for_s=60)
        await world.start()
        assert 61 <= world.now <= 61 + 8
        assert [line["why"] for line in world.lines("store fails")] == [
            "SQLITE_FULL: database or disk is full"
        ]
        assert [line["after_s"] for line in world.lines("store works")] == [world.now - 1]
        await world.settle()
        assert world.texts("ada", "final") == ["re: one"]
        check(world)


async def test_a_host_that_waits_no_longer_leaves_at_once(autojump_clock):
    async with open_world(agent, start=False) as world:
        world.disk.full = True
        with trio.move_on_after(30) as patience:
            await world.start()
        assert patience.cancelled_caught
        assert world.now == 30
