"""Down and up: what a boot finds, and what becomes of it."""

from __future__ import annotations

import pytest

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.identity import Policy
from tests.invariants.at_rest import check
from tests.scenes import cut_short, slow, verdicts

# --- resumed


@pytest.mark.world(agent=slow)
async def test_an_interrupted_turn_goes_on_in_the_same_row(world):
    await world.say("ada", "work")
    await cut_short(world)
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["re: work"]
    assert world.db.execute("select id, boot, attempt, state from turn").fetchall() == [(1, 2, 2, "finished")]
    assert verdicts(world) == ["resume"]
    check(world)


@pytest.mark.world(agent=slow)
async def test_it_goes_on_whether_or_not_its_platform_is_connected(world):
    await world.say("ada", "work")
    await cut_short(world)
    world.platform.connected = False
    await world.start()
    await world.until(seconds=60)
    assert world.db.execute("select state from turn").fetchall() == [("finished",)]
    world.platform.connected = True
    await world.settle()
    assert world.texts("ada", "final") == ["re: work"]


@pytest.mark.world(agent=slow)
async def test_what_waited_behind_it_goes_on_with_it_and_a_new_message_waits(world):
    await world.say("ada", "one")
    await world.until(seconds=0.5)
    await world.say("ada", "two")
    await cut_short(world)
    await world.say("ada", "three")
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["re: one + two", "re: three"]
    check(world)


@pytest.mark.world(agent=slow)
async def test_a_first_message_and_a_resume_do_not_make_two_turns(world):
    await world.say("ada", "one")
    await cut_short(world)
    await world.start()
    for n in range(5):
        await world.say("ada", f"m{n}")
    await world.until(seconds=world.now + 1)
    assert world.db.execute("select count(*) from turn").fetchone() == (1,)
    await world.settle()
    check(world)


# --- not resumed


async def test_too_old_is_closed_with_one_notice(autojump_clock):
    async with open_world(slow) as world:
        await world.say("ada", "work")
        await cut_short(world, for_s=2 * 3600)
        await world.start()
        await world.settle()
        assert [seen.said for seen in world.shown("ada")] == ["notice"]
        assert "I was interrupted 2 h ago" in world.shown("ada")[0].text
        assert [(row.outcome, row.reason) for row in await world.ledger()] == [("failed", "too_old")]
        assert world.db.execute("select state from turn").fetchall() == [("abandoned",)]
        assert verdicts(world) == ["too_old"]
        await world.say("ada", "again")
        await world.settle()
        assert world.texts("ada", "final") == ["re: again"]
        check(world)


async def test_no_resume_closes_every_interrupted_turn_and_leaves_what_waits(autojump_clock):
    async with open_world(slow) as world:
        await world.say("ada", "one")
        await world.until(seconds=0.5)
        await world.say("ada", "two")
        await cut_short(world)
        await world.start(resume=False)
        await world.settle()
        assert [(row.outcome, row.reason) for row in await world.ledger()] == [
            ("failed", "not_asked"),
            ("answered", ""),
        ]
        assert world.texts("ada", "final") == ["re: two"]
        check(world)


async def test_freshness_0_never_resumes_by_itself(autojump_clock):
    async with open_world(slow, options=GatewayOptions(resume_freshness_s=0)) as world:
        await world.say("ada", "one")
        await cut_short(world)
        await world.start()
        await world.settle()
        assert verdicts(world) == ["not_asked"]
        check(world)


async def test_an_owner_who_may_no_longer_speak_is_not_resumed(autojump_clock):
    platform = MemoryPlatform(policy=Policy(allow_users=("ada", "bob")))
    async with open_world(slow, platform=platform) as world:
        for user in ("ada", "bob"):
            await world.say(user, "work")
        await cut_short(world)
        platform.policy = Policy(allow_users=("bob",))
        await world.start()
        await world.settle()
        assert sorted(verdicts(world)) == ["not_allowed", "resume"]
        assert world.texts("bob", "final") == ["re: work"]
        assert [(row.outcome, row.reason) for row in await world.ledger()] == [
            ("failed", "not_allowed"),
            ("answered", ""),
        ]
        check(world)


async def test_a_time_in_the_future_counts_as_now_once_then_the_turn_is_closed(autojump_clock):
    async with open_world(slow) as world:
        await world.say("ada", "work")
        await world.until(seconds=1)
        world.crash()
        world.clock.offset -= 50_000
        await world.start()
        await world.until(seconds=2)
        world.crash()
        await world.start()
        await world.settle()
        assert verdicts(world) == ["resume", "too_old"]
        assert await world.outcomes() == ["failed"]
        check(world)
