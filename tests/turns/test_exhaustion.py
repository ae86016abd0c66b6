"""All keys are exhausted: one true sentence, no request with an empty key, and the queue goes on."""

from __future__ import annotations

import pytest

from hermes_trio.testing import fails, tool
from hermes_trio.values.transcript import ToolEntry

USED_UP = "I could not answer: no model key can be used at the moment (quota used up). Send it again in 30 s."


@pytest.mark.world(keys=["a", "b", "c"])
async def test_three_keys_refused_one_after_another_make_one_sentence(world):
    world.model.refuse("a", "b", "c", line=fails("quota"))
    await world.say("ada", "hello")
    assert await world.reply("ada") == USED_UP
    await world.settle()
    assert world.model.keys == ["a", "b", "c"]
    assert len(world.shown("ada")) == 1
    assert await world.outcomes() == ["refused"]
    assert len(world.lines("pool empty")) == 1
    assert len(world.lines("key cooled down")) == 3


@pytest.mark.world(keys=["a", "b", "c"])
async def test_with_two_cooling_down_the_third_is_the_last(world):
    world.model.refuse("a", "b", line=fails("quota"))
    await world.say("ada", "one")
    assert await world.reply("ada") == "you said: one"
    world.model.refuse("c", line=fails("quota"))
    await world.say("ada", "two")
    assert await world.reply("ada") == USED_UP
    assert world.model.keys == ["a", "b", "c", "c"]
    world.model.heal()
    await world.until(minutes=10)
    await world.say("ada", "three")
    assert await world.reply("ada") == "you said: three"
    assert "" not in world.model.keys


@pytest.mark.world(keys=["a"])
async def test_a_lone_key_that_heals_is_used_again_without_a_restart(world):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "one")
    assert "no model key can be used" in await world.reply("ada")
    await world.until(seconds=90)
    world.model.heal()
    await world.until(minutes=3)
    await world.say("ada", "two")
    assert await world.reply("ada") == "you said: two"
    assert world.now == 180


@pytest.mark.world(keys=["a"])
async def test_a_key_used_up_in_the_middle_of_a_turn_keeps_its_steps(world):
    world.model.script(tool("sleep", s=10))
    await world.say("ada", "wait a little")
    await world.until(seconds=5)
    world.model.refuse("a", line=fails("quota"))
    assert "no model key can be used" in await world.reply("ada")
    assert world.now == 10
    world.model.heal()
    await world.until(seconds=40)
    await world.say("ada", "and now?")
    assert await world.reply("ada") == "you said: and now?"
    last = world.model.requests[-1].entries
    assert [entry.name for entry in last if isinstance(entry, ToolEntry)] == ["sleep"]
