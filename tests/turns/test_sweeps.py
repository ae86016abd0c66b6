"""A cancel, a command or a crash at every point of a turn whose commits take time.

Commits wait up to a millisecond before and after, so cancels fall before a commit, into it, and between
it and its caller's waking. `HERMES_SWEEP_SEEDS=8 HERMES_SWEEP_STEPS=60` sweeps every half millisecond.
"""

from __future__ import annotations

import contextlib
import os

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import StepUnknown
from hermes_trio.runtime.plugins import installed_commands
from hermes_trio.testing import open_world
from tests.invariants.at_rest import check

SEEDS = range(int(os.environ.get("HERMES_SWEEP_SEEDS", "1")))
COMMANDS = installed_commands()
STEPS = int(os.environ.get("HERMES_SWEEP_STEPS", "40"))
GRID = [n * 0.03 / STEPS for n in range(STEPS)]


class Works:
    """plan, act, plan: the act is not idempotent."""

    def __init__(self) -> None:
        self.effects: list[str] = []

    async def __call__(self, turn):
        if "reset yourself" in turn.text:
            await turn.step("model", self.plan, idempotent=True)
            await turn.reset("asked")
        await turn.step("model", self.plan, idempotent=True)
        with contextlib.suppress(StepUnknown):
            await turn.step("act", self.act)
        await turn.step("model", self.plan, idempotent=True)
        return "re: " + turn.text

    async def plan(self):
        await trio.sleep(0.005)
        return "plan"

    async def act(self, *, op):
        self.effects.append(op)
        await trio.sleep(0.003)
        return "acted"


def finals(world) -> list[str]:
    return [seen.text.removesuffix(" ↻") for seen in world.shown("ada") if seen.said == "final"]


async def a_quiet_world(world, works) -> None:
    await world.until(seconds=30)
    await world.settle()
    check(world, works.effects)


def swept(**options):
    """Each (seed, time, works, world) of a sweep."""

    async def worlds(body):
        for seed in SEEDS:
            for n, at in enumerate(GRID):
                works = Works()
                async with open_world(
                    works,
                    seed=seed * 1000 + n,
                    commit_s=0.001,
                    commands=COMMANDS,
                    options=GatewayOptions(**options),
                ) as world:
                    await body(world, at)
                    await a_quiet_world(world, works)

    return worlds


@pytest.mark.parametrize("command", ["/new", "/stop"])
async def test_a_command_mid_turn(autojump_clock, command):
    async def body(world, at):
        await world.say("ada", "one")
        await world.say("ada", "two")
        await trio.sleep(at)
        await world.say("ada", command)
        await world.say("ada", "three")
        await world.until(seconds=20)
        outcomes = await world.outcomes()
        assert outcomes[2:] == ["answered", "answered"], world.timeline()
        assert finals(world)[-1].endswith("three"), world.timeline()
        ended = {"/new": {"answered", "superseded"}, "/stop": {"answered", "stopped"}}[command]
        assert set(outcomes[:2]) <= ended, world.timeline()
        shown = " ".join(finals(world))
        for word, outcome in zip(("one", "two"), outcomes, strict=False):
            assert (word in shown) == (outcome == "answered"), world.timeline()

    await swept()(body)


async def test_a_reset_from_inside(autojump_clock):
    async def body(world, at):
        await world.say("ada", "reset yourself")
        await trio.sleep(at)
        await world.say("ada", "two")
        await world.until(seconds=20)
        outcomes = await world.outcomes()
        assert outcomes[0] == "superseded", world.timeline()
        assert outcomes[1] in ("answered", "superseded"), world.timeline()

    await swept()(body)


async def test_a_reset_from_inside_and_a_crash(autojump_clock):
    async def body(world, at):
        await world.say("ada", "reset yourself")
        await world.say("ada", "/queue two")
        await trio.sleep(at)
        world.crash()
        await world.start()
        await world.until(seconds=20)
        assert await world.outcomes() == ["superseded", "answered"], world.timeline()
        assert finals(world)[-1] == "re: two", world.timeline()

    await swept()(body)


async def test_an_interrupt(autojump_clock):
    async def body(world, at):
        await world.say("ada", "one")
        await trio.sleep(at)
        await world.say("ada", "two")
        await trio.sleep(at / 3)
        await world.say("ada", "three")
        await world.until(seconds=20)
        assert set(await world.outcomes()) == {"answered"}, world.timeline()
        words = " ".join(finals(world)).replace("re: ", "").split()
        assert words == ["one", "two", "three"], world.timeline()

    await swept(busy="interrupt")(body)


async def test_a_steer_and_a_crash(autojump_clock):
    async def body(world, at):
        await world.say("ada", "one")
        await trio.sleep(at / 2)
        await world.say("ada", "two")
        await trio.sleep(at / 2)
        world.crash()
        await world.start()
        await world.until(seconds=20)
        assert set(await world.outcomes()) == {"answered"}, world.timeline()
        words = " ".join(dict.fromkeys(finals(world))).replace("re: ", "").split()
        assert words == ["one", "two"], world.timeline()

    await swept(busy="steer")(body)


async def test_a_command_and_two_crashes(autojump_clock):
    async def body(world, at):
        await world.say("ada", "one")
        await world.say("ada", "/new")
        await world.say("ada", "two")
        await trio.sleep(at)
        world.crash()
        await world.start()
        await trio.sleep(at / 2)
        world.crash()
        await world.start()
        await world.until(seconds=20)
        assert (await world.outcomes())[1:] == ["answered", "answered"], world.timeline()
        assert finals(world)[-1] == "re: two", world.timeline()

    await swept()(body)


async def test_the_host_is_cancelled(autojump_clock):
    """Cancelled from outside: like a crash, and the store stays whole."""

    async def body(world, at):
        await world.say("ada", "one")
        await world.say("ada", "/queue two")
        await trio.sleep(at)
        life = world.life
        life.scope.cancel(reason="the host")
        await life.ended.wait()
        await world.start()
        await world.until(seconds=20)
        assert set(await world.outcomes()) == {"answered"}, world.timeline()
        assert list(dict.fromkeys(finals(world))) == ["re: one", "re: two"], world.timeline()

    await swept()(body)
