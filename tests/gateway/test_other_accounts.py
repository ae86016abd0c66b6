"""A start that does not serve everybody: an account that is not there, a person who may no longer speak."""

from __future__ import annotations

import pytest

from hermes_trio.testing import MemoryPlatform, fails, open_world
from hermes_trio.values.identity import Policy
from tests.invariants.at_rest import check
from tests.scenes import slow

# --- an account that is not there: its section was taken out, its adapter cannot be imported, or somebody
#     chats in the terminal with the store of a daemon that is down


@pytest.mark.parametrize("starts", [1, 4])
async def test_what_an_absent_account_left_waits_until_it_is_there_again(autojump_clock, starts):
    here, away = MemoryPlatform(account="here"), MemoryPlatform(account="away")
    async with open_world(slow, platforms=[here, away]) as world:
        await world.say("ada", "work", platform=away)
        await world.until(seconds=1)
        await world.say("ada", "and then", platform=away)
        await world.until(seconds=1.5)
        world.crash()
        world.platforms.remove(away)
        for n in range(starts):
            await world.start()
            await world.say("ada", f"hello {n}", platform=here)
            await world.settle()
            assert world.texts("ada", "final", platform=here)[-1] == f"re: hello {n}"
            await world.stop()
        assert [row["verdict"] for row in world.lines("resume verdict")] == ["absent"] * starts
        world.platforms.append(away)
        await world.start()
        await world.settle()
        assert world.texts("ada", "final", platform=away) == ["re: work + and then"]
        assert [seen.said for seen in world.shown("ada", platform=away)] == ["final"]
        assert set(await world.outcomes()) == {"answered"}
        check(world)


async def test_an_operator_may_end_what_an_absent_account_left_and_what_waits_goes_on_waiting(autojump_clock):
    here, away = MemoryPlatform(account="here"), MemoryPlatform(account="away")
    async with open_world(slow, platforms=[here, away]) as world:
        await world.say("ada", "work", platform=away)
        await world.until(seconds=1)
        await world.say("ada", "and then", platform=away)
        await world.until(seconds=2)
        world.crash()
        world.platforms.remove(away)
        await world.start()
        assert await world.gateway.stop(1)
        assert await world.gateway.reset(1) == 2
        await world.until(seconds=60)
        assert await world.outcomes() == ["stopped", None]
        await world.stop()
        world.platforms.append(away)
        await world.start()
        await world.settle()
        assert world.texts("ada", "final", platform=away) == ["re: and then"]
        check(world)


async def test_what_is_kept_for_an_absent_account_is_kept(autojump_clock):
    here, away = MemoryPlatform(account="here"), MemoryPlatform(account="away")
    async with open_world(platforms=[here, away], keys=["a"], on_exhausted="defer") as world:
        world.model.refuse("a", line=fails("quota"))
        await world.say("ada", "hello", platform=away)
        await world.until(seconds=1)
        await world.stop()
        world.platforms.remove(away)
        world.model.heal()
        await world.until(seconds=60)
        await world.start()
        await world.say("ada", "hi", platform=here)
        await world.settle()
        await world.stop()
        world.platforms.append(away)
        await world.start()
        await world.settle()
        assert world.texts("ada", "final", platform=away) == ["you said: hello"]
        assert await world.outcomes() == ["answered", "answered"]


async def test_a_command_to_an_absent_account_waits_too(autojump_clock):
    here, away = MemoryPlatform(account="here"), MemoryPlatform(account="away")
    async with open_world(slow, platforms=[here, away]) as world:
        await world.say("ada", "work", platform=away)
        await world.until(seconds=1)
        world.crash_after_commit()
        await world.say("ada", "/new", platform=away)
        await world.crashed()
        world.platforms.remove(away)
        await world.start()
        await world.until(seconds=30)
        await world.stop()
        assert not world.lines("reset")
        world.platforms.append(away)
        await world.start()
        await world.settle()
        assert await world.outcomes() == ["superseded", "answered"]
        check(world)


# --- a person who may no longer speak


@pytest.mark.parametrize("words", ["one", "/status", "/new", "/queue one"])
async def test_what_waits_of_somebody_who_may_no_longer_speak_is_dropped_at_the_next_start(
    autojump_clock, words
):
    platform = MemoryPlatform(policy=Policy(allow_users=("ada", "bob")))
    async with open_world(slow, platform=platform) as world:
        for user in ("ada", "bob"):
            await world.say(user, "before")
        await world.until(seconds=1)
        world.crash_after_commit()
        await world.say("ada", words)
        await world.crashed()
        platform.policy = Policy(allow_users=("bob",))
        await world.start()
        await world.settle()
        assert await world.outcomes() == ["failed", "answered", "dropped"]
        assert (await world.ledger())[2].reason == "allow_users"
        assert [seen.said for seen in world.shown("ada")] == ["notice"]  # of the turn that was cut short
        assert len(world.lines("message dropped")) == 1
        assert not platform.reactions
        check(world)
