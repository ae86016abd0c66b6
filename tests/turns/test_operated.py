"""An operator's stop, reset and resume: whoever waits for the turn that they end is told."""

from __future__ import annotations

import pytest

from hermes_trio.text.sentences import OPERATOR_ENDED, OPERATOR_STOPPED


async def works(turn):
    await turn.sleep(600)
    return "done"


@pytest.mark.world(agent=works)
async def test_a_stop_is_told_to_its_chat(world):
    await world.say("ada", "work")
    await world.until(seconds=world.now + 5)
    assert await world.gateway.stop(1)
    assert await world.reply("ada") == OPERATOR_STOPPED
    assert [row.outcome for row in await world.gateway.ledger()] == ["stopped"]


@pytest.mark.world(agent=works)
async def test_a_reset_is_told_to_its_chat(world):
    await world.say("ada", "work")
    await world.until(seconds=world.now + 5)
    assert await world.gateway.reset(1) == 2
    assert await world.reply("ada") == OPERATOR_ENDED


@pytest.mark.world(agent=works)
async def test_a_resume_that_ends_a_turn_is_told_to_its_chat(world):
    await world.say("ada", "work")
    await world.until(seconds=world.now + 5)
    assert await world.gateway.reset(1) == 2
    assert await world.reply("ada") == OPERATOR_ENDED
    await world.say("ada", "more work")
    await world.until(seconds=world.now + 5)
    assert await world.gateway.resume(1) == 2
    assert await world.reply("ada") == OPERATOR_ENDED


async def test_where_nothing_runs_nothing_is_told(world):
    await world.say("ada", "hello")
    await world.reply("ada")
    assert await world.gateway.stop(1) is False
    assert await world.gateway.reset(1) == 2
    await world.gateway.at_rest()
    assert world.texts("ada") == ["you said: hello"]
