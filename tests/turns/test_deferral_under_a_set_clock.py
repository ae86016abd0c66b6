"""A wall clock that is set while a message waits for a key neither ends nor lengthens its wait."""

from __future__ import annotations

import pytest

from hermes_trio.testing import fails

DAY_S = 86_400.0


def limited(seconds):
    return fails("rate_limit", retry_after_s=seconds)


@pytest.mark.parametrize("by_s", [600.0, 2 * DAY_S, 400 * DAY_S])
@pytest.mark.world(keys=["a"], on_exhausted="defer")
async def test_one_that_goes_forward_makes_no_kept_message_too_old(world, by_s):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    await world.until(seconds=20)
    world.fault("clock_jumps", by_s=by_s)
    await world.until(minutes=10)
    assert [row.outcome for row in await world.ledger()] == [None]
    world.model.heal()
    await world.until(minutes=20)
    assert world.texts("ada")[-1] == "you said: hello"


@pytest.mark.parametrize("by_s", [600.0, 2 * DAY_S])
@pytest.mark.world(keys=["a"])
async def test_nor_ends_a_short_wait(world, by_s):
    world.model.refuse("a", line=limited(25))
    await world.say("ada", "hello")
    await world.until(seconds=15)
    world.fault("clock_jumps", by_s=by_s)
    await world.until(seconds=40)
    assert [row.outcome for row in await world.ledger()] == [None]
    world.model.heal()
    await world.until(seconds=90)
    assert world.texts("ada")[-1] == "you said: hello"


@pytest.mark.parametrize("by_s", [-600.0, -2 * DAY_S, -400 * DAY_S])
@pytest.mark.world(keys=["a"])
async def test_one_that_is_set_back_makes_no_short_wait_longer(world, by_s):
    world.model.refuse("a", line=limited(25))
    await world.say("ada", "hello")
    await world.until(seconds=15)
    world.fault("clock_jumps", by_s=by_s)
    await world.until(minutes=5)
    assert await world.outcomes() == ["refused"]
    assert "Send it again" in world.texts("ada")[-1]


@pytest.mark.parametrize("by_s", [-600.0, -2 * DAY_S, -400 * DAY_S])
@pytest.mark.world(keys=["a"], on_exhausted="defer")
async def test_nor_keeps_a_message_when_its_key_is_back(world, by_s):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    await world.until(seconds=20)
    world.fault("clock_jumps", by_s=by_s)
    await world.until(minutes=2)
    world.model.heal()
    await world.until(minutes=5)
    assert world.texts("ada")[-1] == "you said: hello"
