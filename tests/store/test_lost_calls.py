"""What a turn called is told to whoever is asked the same again, also where its entry cannot be read."""

from __future__ import annotations

import pytest

from hermes_trio.config.options import Gateway
from hermes_trio.testing import fails, hangs, open_world, text, tool
from hermes_trio.transcript.compaction import CALLS_LOST, IN_DOUBT
from hermes_trio.values.transcript import NoteEntry, ToolEntry, UserEntry
from tests.agent.test_agent import ATool, many
from tests.invariants.at_rest import check
from tests.scenes import crash_and_go_on

SPOILT = ["'rubbish'", "x'00'", "cast(x'5b22ff' || cast(body as blob) as text)"]


def sender():
    async def send(arguments, call):
        return "sent"

    return ATool("send", send)


def shown(world):
    """What the model was shown last, but for what it said itself."""
    last = world.model.requests[-1].entries
    return [entry.text for entry in last if isinstance(entry, UserEntry | NoteEntry | ToolEntry)]


def told(*names):
    return f"{CALLS_LOST} {IN_DOUBT}: {', '.join(names)}."


@pytest.mark.parametrize("crash", [True, False])
@pytest.mark.parametrize("body", SPOILT)
async def test_a_message_that_an_interrupt_gave_back_is_told_behind_what_was_called_for_it(
    autojump_clock, body, crash
):
    async with open_world(tools=[sender()], options=Gateway(busy="interrupt")) as world:
        world.model.script(tool("send"), hangs())
        await world.say("ada", "go")
        await world.until(seconds=1)
        world.db.execute(f"update entry set body = {body} where id = 2")
        await world.say("ada", "two")
        if crash:
            await crash_and_go_on(world)
        await world.settle()
        assert shown(world) == ["go", told("send"), "two"]
        assert [line["what"] for line in world.lines("out of the way")] == ["entry 2"]
        await world.say("ada", "three")
        await world.settle()
        assert shown(world) == ["go", told("send"), "two", "three"]
        assert len(world.lines("out of the way")) == 1
        check(world)


async def test_so_is_one_that_waited_for_a_key(autojump_clock):
    async with open_world(tools=[sender()], keys=["a"], on_exhausted="defer") as world:
        world.model.script(tool("send"), fails("quota"))
        await world.say("ada", "go")
        await world.until(seconds=1)
        world.db.execute("update entry set body = 'rubbish' where id = 2")
        await world.until(minutes=15)
        assert shown(world) == ["go", told("send")]
        assert len(world.texts("ada", "final")) == 1
        check(world)


async def test_what_another_entry_tells_is_not_told_twice_and_each_call_that_none_tells_is_named(
    autojump_clock,
):
    """Of three answers with calls the second cannot be read, nor can a result."""
    async with open_world(tools=[sender()], options=Gateway(busy="interrupt")) as world:
        world.model.script(
            tool("send"), many(("send", '{"n":1}'), ("send", '{"n":2}')), tool("send"), hangs()
        )
        await world.say("ada", "go")
        await world.until(seconds=1)
        world.db.execute("update entry set body = 'rubbish' where id in (4, 6)")
        await world.say("ada", "two")
        await world.settle()
        assert shown(world) == ["go", "sent", told("send", "send"), "sent", "two"]
        check(world)


async def test_an_entry_that_tells_of_no_call_is_set_aside(autojump_clock):
    async with open_world(tools=[sender()]) as world:
        world.model.script(tool("send"), text("Sent."))
        await world.say("ada", "go")
        await world.settle()
        world.db.execute("update entry set body = 'rubbish' where id = 4")
        await world.say("ada", "two")
        await world.settle()
        assert shown(world) == ["go", "sent", "two"]
        check(world)


async def test_what_a_call_has_done_within_itself_is_no_call(autojump_clock):
    async def nap(arguments, call):
        await call.sleep(0.1)
        return "slept"

    async with open_world(tools=[ATool("nap", nap)], options=Gateway(busy="interrupt")) as world:
        world.model.script(tool("nap"), hangs())
        await world.say("ada", "go")
        await world.until(seconds=1)
        world.db.execute("update entry set body = 'rubbish' where id = 2")
        await world.say("ada", "two")
        await world.settle()
        assert shown(world) == ["go", told("nap"), "two"]
        check(world)
