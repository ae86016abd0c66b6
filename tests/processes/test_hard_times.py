"""Ends that come when it is inconvenient: no key, many at once, an open question, a turn that is cut."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import fails, hangs, text, tool
from tests.processes.seen import exits, notes, result, said, start

DEFER = {"keys": ["a"], "on_exhausted": "defer"}


@pytest.mark.world(**DEFER)
async def test_an_end_waits_for_a_key_however_long_and_says_nothing_of_a_message(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    world.model.refuse("a", line=fails("quota"))
    await world.until(minutes=30)
    assert said(world) == [("final", "Started.")]
    world.model.heal()
    world.model.script(text("Built."))
    assert await world.reply("ada") == "Built."
    await world.settle()
    assert len(notes(world)) == 1
    assert exits(world) == [("process.1.exit", "answered", "")]


@pytest.mark.world(**DEFER)
async def test_an_end_beside_a_deferred_message_is_no_reason_to_try_it_more_often(world):
    world.processes.script("make", ends_s=65)
    world.processes.script("test", ends_s=66)
    world.model.script(start("make"), start("test"), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    world.model.refuse("a", line=fails("quota"))
    await world.until(seconds=10)
    await world.say("ada", "and?")
    assert (await world.reply("ada")).endswith("in 30 s at the earliest.")
    before = len(world.model.keys)
    await world.until(seconds=310)
    assert len(world.model.keys) - before <= 12
    world.model.heal()
    world.model.script(text("And so."), text("Both ended."))
    await world.until(seconds=400)
    await world.settle()
    assert [shown for what, shown in said(world) if what == "final"] == [
        "Started.",
        "And so.",
        "Both ended.",
    ]
    assert [outcome for _, outcome, _ in exits(world)] == ["answered"] * 2


async def test_many_ends_past_the_limit_are_all_settled(world):
    for n in range(17):
        world.processes.script(f"job {n}", prints=[(0, "x" * 3000)], ends_s=40)
    for n in range(3):
        world.processes.script(f"early {n}", ends_s=10.0 * (n + 1))
    for n in range(3):
        world.model.script(start(f"early {n}"))
    world.model.script(*(start(f"job {n}") for n in range(17)), text("Started."))
    world.model.script(text("early 0"), text("early 1"), text("early 2", after_s=60))
    await world.say("ada", "go")
    await world.until(seconds=200)
    await world.settle()
    assert [outcome for _, outcome, _ in exits(world)] == ["answered"] * 3 + ["expired"] * 17
    world.model.script(text("I know."))
    await world.say("ada", "and?")
    await world.settle()
    assert len(notes(world)) == 20


async def test_an_end_is_no_answer_to_a_question(autojump_clock):
    from hermes_trio.testing import open_world

    async def agent(turn):
        return "got " + await turn.ask("Which?") if turn.text == "ask" else f"re: {turn.text}"

    async with open_world(agent) as world:
        await world.say("ada", "ask")
        await world.reply("ada")
        insert = (
            "insert into process(session, turn, boot, key, address, command, foreground, keep, notify, at)"
            " select session, id, boot, key, address, 'make', 0, 0, 1, opened_at from turn"
        )
        world.db.execute(insert)
        await world.gateway.wiring.store.end_process(1, "exited", 0, "", "make has ended")
        await world.until(seconds=5)
        assert len(world.shown("ada")) == 1
        await world.say("ada", "this")
        assert await world.reply("ada") == "got this"
        assert await world.reply("ada") == "re: make has ended"


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
async def test_a_turn_that_an_end_has_opened_is_interrupted_like_any(autojump_clock, busy):
    from hermes_trio.testing import MemoryPlatform, open_world
    from hermes_trio.tools.process import tool as process
    from hermes_trio.values.identity import Policy

    platform = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
    async with open_world(tools=[process], platform=platform, options=GatewayOptions(busy=busy)) as world:
        world.processes.script("make", ends_s=5)
        world.model.script(start("make"), text("Started."))
        world.model.script(tool("sleep", s=20), text("one"), text("two"), text("three"))
        await world.say("ada", "go")
        await world.until(seconds=10)
        await world.say("ada", "stop that, tell me")
        await world.until(seconds=100)
        await world.settle()
        assert set(await world.outcomes()) == {"answered"}
        assert len(notes(world)) == 1
        assert [what for what, _ in said(world)] == ["final"] * (3 if busy == "queue" else 2)


async def test_a_turn_that_an_end_has_opened_is_stopped_and_the_end_not_told_again(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("Started."), hangs())
    await world.say("ada", "go")
    await world.until(seconds=10)
    await world.say("ada", "/stop")
    await world.until(seconds=50)
    await world.settle()
    assert exits(world) == [("process.1.exit", "stopped", "asked")]
    world.model.script(text("Yes."))
    await world.say("ada", "and?")
    await world.settle()
    assert len(notes(world)) == 1
    assert said(world)[-1] == ("final", "Yes.")


class Slow:
    """The machine takes a while to start a program."""

    def __init__(self, processes):
        self._start = processes.start
        processes.start = self.start

    async def start(self, command, env, *, stdin):
        await trio.sleep(5)
        return await self._start(command, env, stdin=stdin)


@pytest.mark.parametrize("name", ["terminal", "process"])
async def test_one_that_was_not_started_yet_when_its_turn_was_stopped_does_not_run(world, name):
    Slow(world.processes)
    world.processes.script("make", ends_s=None)
    world.model.script(tool(name, command="make", **({"action": "start"} if name == "process" else {})))
    await world.say("ada", "go")
    await world.until(seconds=1)
    await world.say("ada", "/stop")
    await world.until(seconds=20)
    assert world.processes.alive == []
    await world.say("ada", "/status")
    await world.settle()
    assert "background" not in said(world)[-1][1]
    assert world.db.execute("select state from process").fetchall() == [("killed",)]
    assert exits(world) == []


@pytest.mark.parametrize("id", [-1, 2**63, 10**30])
async def test_a_number_that_no_process_has(world, id):
    world.model.script(tool("process", action="poll", id=id), text("No."))
    await world.say("ada", "go")
    assert await world.reply("ada") == "No."
    assert result(world) == f"ValueError: this conversation has no background process {id}"


async def test_what_could_not_be_started_does_not_run_although_its_turn_was_stopped_meanwhile(world):
    world.processes.full = True
    world.model.script(start("make", after_s=1), text("So be it."))
    await world.say("ada", "go")
    await world.until(seconds=0.5)
    world.fault("store_fails_commit", nth=4, times=2)
    await world.until(seconds=1.5)
    await world.say("ada", "/stop")
    await world.settle()
    assert world.db.execute("select state from process").fetchall() == [("killed",)]
    await world.say("ada", "/stop")
    await world.settle()
    assert "make" not in world.texts("ada")[-1]


async def test_a_disk_that_hangs_where_a_program_has_begun_makes_no_error_of_a_stop(world):
    """Its first write is given up amid the cancel: the two come as one group, which no border took."""
    world.processes.script("make", ends_s=500)
    world.model.script(start("make"), text("Started."))

    def look(event):
        if (event.who, event.what) == ("machine", "started"):
            world.fault("store_hangs", for_s=1e6)

    world.record.watch(look)
    await world.say("ada", "go")
    await world.until(seconds=1)
    world.life.gateway.hurry(0)
    await world.stop()
    assert [event.what for event in world.record.of("machine")] == ["started", "signal", "exited"]
    assert world.lines("process failed") == []
    await world.start()
    await world.settle()
    assert world.processes.alive == []
