"""A key that rests for seconds is waited for; its user hears of it after ten, or at once where it is long."""

from __future__ import annotations

import pytest

from hermes_trio.testing import fails, open_world, text
from tests.invariants.at_rest import check

lone = pytest.mark.world(keys=["a"])


def limited(seconds):
    return fails("rate_limit", retry_after_s=seconds)


@lone
async def test_a_rest_of_seconds_is_waited_for_without_a_word(world):
    world.model.refuse("a", line=limited(7))
    await world.say("ada", "hello")
    await world.until(seconds=6)
    assert world.texts("ada") == []
    assert [row.state for row in await world.ledger()] == ["deferred"]
    world.model.heal()
    assert await world.reply("ada") == "you said: hello"
    assert world.now == 7
    assert world.model.keys == ["a", "a"]
    assert world.texts("ada") == ["you said: hello"]
    await world.settle()
    check(world)


@lone
async def test_after_ten_seconds_the_user_is_told_once_when(world):
    world.model.refuse("a", line=limited(25))
    await world.say("ada", "hello")
    told = await world.reply("ada")
    assert world.now == 10
    assert told == (
        "No model key can be used at the moment (rate-limited). Your message is kept and will be answered"
        " when one can, in 15 s at the earliest."
    )
    world.model.heal()
    assert await world.reply("ada") == "you said: hello"
    assert world.now == 25
    assert world.model.keys == ["a", "a"]


@lone
async def test_a_longer_rest_is_told_at_once(world):
    world.model.refuse("a", line=limited(121))
    await world.say("ada", "hello")
    assert "Send it again in 30 s" in await world.reply("ada")
    assert world.now == 0
    assert await world.outcomes() == ["refused"]


@lone
async def test_a_used_up_key_is_told_at_once_although_it_is_probed_sooner(world):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    assert "quota used up" in await world.reply("ada")
    assert await world.outcomes() == ["refused"]


@lone
async def test_over_repeated_refusals_two_minutes_from_its_arrival_are_the_end(world):
    world.model.refuse("a", line=limited(25))
    await world.say("ada", "hello")
    await world.until(minutes=5)
    assert await world.outcomes() == ["refused"]
    assert world.model.keys == ["a"] * 5
    assert len(world.texts("ada")) == 2
    assert "Send it again" in world.texts("ada")[-1]


@lone
async def test_nobody_waits_for_two_minutes_unheard_and_who_asks_is_told_that_it_waits(world):
    world.model.refuse("a", line=limited(25))
    await world.say("ada", "hello")
    await world.until(seconds=70)
    await world.say("ada", "/status")
    await world.until(seconds=99)
    kept, status = world.texts("ada")
    assert "will be answered when one can" in kept
    assert "1 message is waiting." in status
    await world.until(seconds=101)  # a rest until 125 is told at once
    assert "Send it again" in world.texts("ada")[-1]


@lone
async def test_each_of_many_who_wait_is_told_after_ten_seconds(world):
    world.model.refuse("a", line=limited(100))
    for name in ("ada", "bob", "eve"):
        await world.say(name, "hello")
        await world.settle()
    await world.until(seconds=11)
    assert [len(world.texts(name)) for name in ("ada", "bob", "eve")] == [1, 1, 1]
    assert world.model.keys == ["a"]
    world.model.heal()
    await world.until(minutes=2)
    assert await world.outcomes() == ["answered"] * 3


@pytest.mark.parametrize("at", [3, 12])
async def test_a_restart_waits_on(autojump_clock, at):
    async with open_world(keys=["a"]) as world:
        world.model.refuse("a", line=limited(25))
        await world.say("ada", "hello")
        await world.until(seconds=at)
        world.crash()
        await world.start()
        world.model.heal()
        await world.until(seconds=60)
        assert world.texts("ada")[-1] == "you said: hello"
        assert len(world.texts("ada")) == 2
        assert await world.outcomes() == ["answered"]


@lone
async def test_what_comes_meanwhile_is_answered_with_it(world):
    world.model.refuse("a", line=limited(8))
    await world.say("ada", "one")
    await world.until(seconds=4)
    await world.say("ada", "two")
    world.model.heal()
    world.model.script(text("Both."))
    assert await world.reply("ada") == "Both."
    assert [entry.text for entry in world.model.requests[-1].entries] == ["one", "two"]
