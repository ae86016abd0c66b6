"""What a turn did is recorded however long the disk refuses it, also where its agent waits no longer."""

from __future__ import annotations

import contextlib

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import open_world
from tests.invariants.at_rest import check
from tests.scenes import answer, ends


async def fails():
    raise ValueError("no")


def hasty(verb, then):
    """An agent that gives a verb half a second, of its own, and goes on with something else."""

    async def agent(turn):
        await trio.sleep(0.1)
        with trio.move_on_after(0.5):
            await verb(turn)
        return await then(turn)

    return agent


async def does(turn):
    return await turn.step("does", answer)


async def does_not(turn):
    with contextlib.suppress(ValueError):
        await turn.step("fails", fails)


async def says(turn):
    await turn.say("said")


async def rests(turn):
    await trio.sleep(100)
    return "done"


async def is_done(turn):
    return "done"


async def steps_on(turn):
    return await turn.step("then", answer)


async def breaks(turn):
    raise ValueError("no more")


def steps_of(world):
    return world.db.execute("select name, state from step order by nth").fetchall()


@pytest.mark.parametrize("then", [rests, is_done, steps_on, breaks])
@pytest.mark.parametrize(
    ("verb", "wanted"), [(does, ("does", "done")), (does_not, ("fails", "failed")), (says, ("say", "done"))]
)
async def test_a_step_that_has_ended_is_stored_also_where_its_agent_waits_no_longer(
    autojump_clock, verb, wanted, then
):
    """Only the turn's own end ends the tries: not its agent's scopes, what it does next, or an error."""
    async with open_world(hasty(verb, then), options=GatewayOptions(progress_every_s=0)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=0.05)
        world.fault("store_fails_commit", nth=1 if verb is says else 2, times=4)
        await world.until(seconds=5)
        assert steps_of(world)[:1] == [wanted]
        await world.settle()
        assert steps_of(world) == [wanted, *([("then", "done")] if then is steps_on else [])]
        assert await ends(world) == [("failed", "ValueError") if then is breaks else ("answered", "")]
        check(world)


async def test_a_crash_behind_it_does_not_make_what_was_done_unknown(autojump_clock):
    runs = []

    async def once():
        runs.append(1)
        return "42"

    async def agent(turn):
        await trio.sleep(0.1)
        with trio.move_on_after(0.5 if turn.attempt == 1 else 5):
            await turn.step("once", once)
        await trio.sleep(10)
        return "done"

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.until(seconds=0.05)
        world.fault("store_fails_commit", nth=2, times=3)
        await world.until(seconds=5)
        world.crash()
        await world.start()
        await world.settle()
        assert runs == [1]
        assert await ends(world) == [("answered", "")]
        check(world)


async def test_a_conversation_that_ends_behind_it_has_it(autojump_clock):
    async def agent(turn):
        await trio.sleep(0.1)
        with trio.move_on_after(0.5):
            await turn.say("said")
        await turn.reset()

    async with open_world(agent, options=GatewayOptions(progress_every_s=0)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=0.05)
        world.fault("store_fails_commit", times=4)
        await world.settle()
        assert world.texts("ada", "say") == ["said"]
        assert await ends(world) == [("superseded", "asked by the agent")]
        check(world)


@pytest.mark.parametrize("heals_at", [1.3, 1.7, 2.0, 2.3, 3.0, 4.0, 9.0, 30.0])
async def test_what_was_cut_off_while_it_waited_for_what_was_cut_off_keeps_its_place(
    autojump_clock, heals_at
):
    """Whatever happens first is stored first, whichever of their tries the disk takes."""

    async def agent(turn):
        await trio.sleep(0.1)
        for name in "abc":
            with trio.move_on_after(0.5):
                await turn.step(name, answer, idempotent=True)
            with trio.move_on_after(0.5):
                await turn.say(f"behind {name}")
        return "done"

    async with open_world(agent, options=GatewayOptions(progress_every_s=0)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=0.05)
        world.disk.full = True
        await world.until(seconds=heals_at)
        world.disk.full = False
        await world.settle()
        assert steps_of(world) == [(name, "done") for name in ("a", "say", "b", "say", "c", "say")]
        assert world.texts("ada", "say", "final") == ["behind a", "behind b", "behind c", "done"]
        assert await ends(world) == [("answered", "")]
        check(world)


async def test_a_stop_ends_the_tries_of_what_was_cut_off(autojump_clock):
    async with open_world(hasty(does, rests), options=GatewayOptions(progress_every_s=0)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=0.05)
        world.fault("store_fails_commit", nth=2, times=2)
        await world.until(seconds=0.6)
        await world.say("ada", "/stop")
        await world.settle()
        assert await ends(world) == [("stopped", "asked"), ("answered", "asked")]
        assert world.lines("fenced") == []
        check(world)
