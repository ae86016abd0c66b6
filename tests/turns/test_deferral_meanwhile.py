"""Whatever happens meanwhile, what is kept for a key is said once and answered once."""

from __future__ import annotations

import pytest

from hermes_trio.config.options import Gateway
from hermes_trio.errors import NoCredentials
from hermes_trio.testing import fails, open_world, text
from tests.invariants.at_rest import check


def unmarked(world):
    return list(dict.fromkeys(text.removesuffix(" ↻") for text in world.texts("ada")))


async def agent(turn):
    if turn.text == "no":
        raise NoCredentials(await turn.now() + 60, "quota", defer=agent.defers)
    return "yes"


@pytest.mark.parametrize("defers", [True, False])
async def test_an_agent_function_may_have_its_turn_kept(defers, autojump_clock):
    agent.defers = defers
    async with open_world(agent) as world:
        await world.say("ada", "no")
        await world.settle()
        assert (await world.outcomes(), len(world.shown("ada"))) == ([None if defers else "refused"], 1)


@pytest.mark.parametrize("crash_at", [n / 100 for n in range(1, 40)])
async def test_wherever_it_crashes_it_is_said_once_and_answered_once(crash_at, autojump_clock):
    async with open_world(
        commit_s=0.02, seed=int(crash_at * 100), keys=["a", "b"], on_exhausted="defer"
    ) as world:
        world.model.refuse("a", "b", line=fails("quota", after_s=0.05))
        await world.say("ada", "hello")
        await world.until(seconds=crash_at)
        world.crash()
        await world.start()
        await world.until(minutes=5)
        # A send that the crash cut may be there twice, marked.
        assert len(unmarked(world)) == 1
        world.model.heal()
        await world.until(minutes=40)
        assert unmarked(world)[1:] == ["you said: hello"]
        assert await world.outcomes() == ["answered"]
        await world.settle()
        check(world)


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
async def test_whatever_busy_says_everything_is_answered_in_order(busy, autojump_clock):
    async with open_world(options=Gateway(busy=busy), keys=["a"], on_exhausted="defer") as world:
        world.model.refuse("a", line=fails("quota", after_s=2))
        await world.say("ada", "one")
        await world.until(seconds=1)
        await world.say("ada", "two")
        await world.until(seconds=20)
        assert [row.state for row in await world.ledger()] == ["deferred", "deferred"]
        world.model.heal()
        world.model.script(text("both"))
        await world.until(minutes=3)
        assert await world.outcomes() == ["answered", "answered"]
        assert world.texts("ada")[-1] == "both"
        assert len(world.shown("ada")) <= 3
        await world.settle()
        check(world)
