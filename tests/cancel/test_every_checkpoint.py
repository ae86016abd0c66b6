"""A cut at every checkpoint of a turn, of a drain, and of a boot: by a cancel of the host, and by a crash.

Whatever was cut, the next start on the same store keeps I1 to I5, answers everybody, and leaves no task.
`HERMES_TRIO_CUTS=1` cuts at every one; without it at every eleventh, beginning somewhere else in each scene.
"""

from __future__ import annotations

import contextlib
import os

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import StepUnknown
from hermes_trio.runtime.plugins import installed_commands
from hermes_trio.testing import Rounds, open_world, seeded_scheduling
from tests.cancel.points import tasks
from tests.invariants.at_rest import check

STRIDE = int(os.environ.get("HERMES_TRIO_CUTS", "11"))
COMMANDS = installed_commands()
CHATS = ("ada", "bob", "eve")


class Works:
    """Streams, acts (not twice), says, sleeps and answers."""

    def __init__(self) -> None:
        self.effects: list[str] = []

    async def __call__(self, turn):
        turn.stream("Let me ")
        await turn.step("plan", self.plan, idempotent=True)
        with contextlib.suppress(StepUnknown):
            await turn.step("act", self.act)
        await turn.say("It is done.")
        await turn.sleep(30 if "long" in turn.text else 0.01)
        return "re: " + turn.text

    async def plan(self):
        await trio.sleep(0.9)
        return "plan"

    async def act(self, *, op):
        self.effects.append(op)
        await trio.sleep(0.003)


def push(world, chat: str, *texts: str) -> None:
    for one in texts:
        world.platform.push(world.platform.message(chat, one))


# --- the scenes: each comes to a point from which on it may be cut, and then goes on ---------------


async def a_turn(world):
    """Two conversations, a command, a message that waits, a drop."""
    yield
    push(world, "ada", "one")
    push(world, "bob", "one", "two")
    await world.until(seconds=0.95)
    push(world, "eve", "one", "/new", "two")
    await world.settle()


async def a_drain(world):
    """A turn that ends in time, one that does not, one that sleeps, and a message while it drains."""
    push(world, "ada", "one")
    push(world, "bob", "one that is long")
    await world.until(seconds=0.5)
    push(world, "eve", "one")
    await world.until(seconds=0.8)
    yield
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.stop)
        await world.until(seconds=0.9)
        push(world, "eve", "two")


async def a_boot(world):
    """After a crash: an interrupted turn, one with an unknown step, a command, messages, an owed answer."""
    push(world, "ada", "one")
    push(world, "bob", "one that is long")
    await world.until(seconds=0.903)
    push(world, "eve", "one")
    await world.until(seconds=0.905)
    world.crash()
    push(world, "eve", "/new", "two")
    push(world, "ada", "two")
    yield
    await world.start()
    await world.settle()


SCENES = {"turn": a_turn, "drain": a_drain, "boot": a_boot}


def host_cancelled(world) -> None:
    """The library's host is cancelled: nothing is waited for, and everything leaves."""
    if world.lives.now is not None:
        world.life.scope.cancel(reason="the host")


def crashed(world) -> None:
    """kill -9."""
    if world.lives.now is not None:
        world.crash()


async def played(scene: str, seed: int, at: int, cut) -> int:
    """Play a scene, cut it after so many rounds, start again. Returns how many rounds it lasted."""
    works = Works()
    with seeded_scheduling(seed):
        async with open_world(
            works,
            seed=seed,
            commit_s=0.001,
            commands=COMMANDS,
            options=GatewayOptions(drain_timeout_s=5.0),
        ) as world:
            steps = SCENES[scene](world)
            await anext(steps)
            with trio.CancelScope() as scene_scope:

                def act() -> None:
                    cut(world)
                    scene_scope.cancel(reason="cut")

                with Rounds(at, act) as rounds:
                    # A boot that is cut never says that it has begun.
                    with contextlib.suppress(RuntimeError):
                        await anext(steps, None)
                    if rounds.acted:
                        await trio.lowlevel.checkpoint()
            await steps.aclose()
            if world.lives.now is not None:
                await world.stop()
            await world.lives.last.ended.wait()
            await again(world, works)
    return rounds.count


async def again(world, works) -> None:
    """A start after it, and everything is as it must be."""
    await world.start()
    await world.until(minutes=5)
    await world.settle()
    for chat in CHATS:
        push(world, chat, "and now?")
    await world.settle()
    outcomes = [row.outcome for row in await world.ledger()]
    assert set(outcomes) <= {"answered", "superseded"}, world.timeline()
    for chat in CHATS:
        assert world.shown(chat)[-1].text == "re: and now?", world.timeline()
    check(world, works.effects)
    await world.stop()


@pytest.mark.parametrize("cut", [host_cancelled, crashed])
@pytest.mark.parametrize("scene", SCENES)
async def test_cut_at_every_checkpoint_and_started_again_nothing_is_lost_or_done_twice(
    autojump_clock, scene, cut
):
    before = tasks()
    whole = await played(scene, 7, 10_000, cut)
    assert whole > 40
    first = len(scene + cut.__name__) % STRIDE
    for at in range(first, whole + 1, STRIDE):
        try:
            await played(scene, 7, at, cut)
        except BaseException as error:
            error.add_note(f"{scene}, cut after {at} of {whole} rounds")
            raise
        assert tasks() == before, f"{scene}, cut after {at} of {whole} rounds"
    print(f"{scene}: {len(range(first, whole + 1, STRIDE))} of {whole} checkpoints, {cut.__name__}")


@pytest.mark.parametrize("command", ["/stop", "/new"])
async def test_stopped_or_reset_at_every_checkpoint_a_turn_leaves_at_once_and_the_next_is_answered(
    autojump_clock, command
):
    """The turn alone is cut, and the gateway lives on: nothing may wait for a restart that mends it."""

    async def one(at: int) -> int:
        works = Works()
        with seeded_scheduling(at):
            async with open_world(works, seed=at, commit_s=0.001, commands=COMMANDS) as world:
                push(world, "ada", "one")
                with Rounds(at, lambda: push(world, "ada", command, "two")) as rounds:
                    await world.until(seconds=10)
                if not rounds.acted:
                    push(world, "ada", command, "two")
                await world.until(seconds=20)
                assert not world.gateway.wiring.sessions.live, world.timeline()
                assert not world.gateway.wiring.lanes.live, world.timeline()
                first, *rest = [row.outcome for row in await world.ledger()]
                ended = "stopped" if command == "/stop" else "superseded"
                assert first in ("answered", ended), world.timeline()
                assert rest == ["answered", "answered"], world.timeline()
                finals = world.texts("ada", "final")
                assert finals == ["re: one"] * (first == "answered") + ["re: two"], world.timeline()
                check(world, works.effects)
        return rounds.count

    whole = await one(10_000)
    for at in range(whole % STRIDE, whole + 1, STRIDE):
        try:
            await one(at)
        except BaseException as error:
            error.add_note(f"{command} after {at} of {whole} rounds")
            raise
    print(f"turn: {len(range(whole % STRIDE, whole + 1, STRIDE))} of {whole} checkpoints, {command}")
