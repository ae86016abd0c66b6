"""The verbs are steps, and none is done twice wherever the process dies."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import StepUnknown
from hermes_trio.testing import open_world
from tests.invariants.at_rest import check

# --- the verbs are steps
from tests.scenes import crash_and_go_on


async def test_say_now_and_random_are_recorded(autojump_clock):
    seen = []

    async def agent(turn):
        await turn.say("one")
        seen.append((await turn.now(), await turn.random(), await turn.random()))
        await turn.say("two")
        await turn.sleep(100)
        return "three"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=50)
        await crash_and_go_on(world)
        assert seen[0] == seen[1]
        assert seen[0][1] != seen[0][2]
        assert world.texts("ada") == ["one", "two", "three"]
        assert world.now == 100
        check(world)


async def test_sleep_sleeps_the_rest_however_often_it_is_cut(autojump_clock):
    async def agent(turn):
        await turn.sleep(1000)
        return "awake"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        for seconds in (100, 500, 900):
            await world.until(seconds=seconds)
            world.crash()
            await world.until(seconds=seconds + 50)
            await world.start()
        await world.settle()
        assert world.now == 1000
        assert world.texts("ada", "final") == ["awake"]


async def test_a_sleep_that_ended_while_nobody_lived_ends_at_once(autojump_clock):
    async def agent(turn):
        await turn.sleep(1000)
        return "awake"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=100)
        world.crash()
        await world.until(seconds=2000)
        await world.start()
        await world.settle()
        assert world.now == 2000
        assert world.texts("ada", "final") == ["awake"]


async def test_a_last_say_that_is_the_final_is_said_once_across_a_crash(autojump_clock):
    async def agent(turn):
        await turn.say("the answer")
        await turn.sleep(10)

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert world.texts("ada", "final") == []
        assert world.texts("ada") == ["the answer"]
        assert world.db.execute("select said from outbound").fetchall() == [("final",)]
        check(world)


async def plan(*, op):
    await trio.sleep(0.002)
    return "plan"


def with_effects(effects):
    async def agent(turn):
        async def act(*, op):
            effects.append(op)
            await trio.sleep(0.002)
            return "acted"

        await turn.say("on it")
        words = [await turn.step("model", plan, idempotent=True)]
        for _ in range(2):
            try:
                words.append(await turn.step("act", act))
            except StepUnknown:
                words.append("unknown")
        words.append(str(await turn.now() > 0))
        return " ".join(words)

    return agent


# --- a crash at every point


@pytest.mark.parametrize("crashes", [1, 2])
async def test_wherever_it_dies_a_turn_is_answered_and_no_act_runs_twice(autojump_clock, crashes):
    for step in range(40):
        effects: list[str] = []
        async with open_world(with_effects(effects), seed=step, commit_s=0.001, commands=[]) as world:
            await world.say("ada", "go")
            for _ in range(crashes):
                await trio.sleep(step * 0.00075)
                world.crash()
                await world.start()
            await world.until(seconds=30)
            check(world, effects)
            assert await world.outcomes() == ["answered"], world.timeline()
            acted = world.texts("ada", "final")[-1].split()[1:3]
            assert set(acted) <= {"acted", "unknown"}
            assert len(effects) >= acted.count("acted")
            assert len(effects) <= 2


@pytest.mark.world(options=GatewayOptions(busy="steer"), agent=with_effects([]))
async def test_steps_and_steering_under_a_stop_at_every_point(world):
    world.crash()
    for step in range(40):
        effects: list[str] = []
        async with open_world(
            with_effects(effects), seed=step, commit_s=0.001, options=GatewayOptions(busy="steer")
        ) as world:
            await world.say("ada", "go")
            await trio.sleep(step * 0.0005)
            await world.say("ada", "more")
            await world.say("ada", "/stop")
            await world.until(seconds=30)
            check(world, effects)
            assert (await world.outcomes())[-1] == "answered"
