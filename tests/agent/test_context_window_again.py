"""What is told while a conversation is shortened, and of messages that are asked or told again."""

from __future__ import annotations

import pytest

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, hangs, text, tool
from hermes_trio.tools.process import tool as process
from hermes_trio.transcript import compaction
from hermes_trio.values.identity import Policy
from tests.agent.picky import Picky, acting, heard, noted, pairs, picky_world, says
from tests.agent.test_agent import ATool
from tests.invariants.at_rest import check


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
async def test_an_end_that_comes_while_it_is_shortened_is_told_once(autojump_clock, busy):
    """A program ends at every moment of a conversation that is summarised between its steps."""
    for at in range(40):
        act, done = acting()
        model = Picky(takes=900)
        model.summaries = [text("So far it acted.", after_s=0.003)] * 100
        platform = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
        options = GatewayOptions(busy=busy)
        async with picky_world(
            model, tools=[act, process], seed=at, commit_s=0.001, options=options, platform=platform
        ) as world:
            world.processes.script("make", ends_s=at * 0.001)
            model.script(tool("process", action="start", command="make"))
            model.script(*pairs(4), text("done"), text("built"))
            await world.say("ada", "go")
            await world.until(seconds=60)
            told = [one for one in [*model.requests, *model.asked_for] if "make) exited" in repr(one.entries)]
            assert told, world.timeline()
            entries = "select count(*) from entry join inbound on inbound.id = inbound where kind = 'wake'"
            assert world.db.execute(entries).fetchone() == (1,), world.timeline()
            assert set(await world.outcomes()) == {"answered"}, world.timeline()
            assert len(done) == 8
            check(world, done)


@pytest.mark.parametrize("crash", [True, False])
async def test_a_message_that_is_asked_again_is_shown_however_little_of_the_conversation_is(
    autojump_clock, crash
):
    """Its entry stands before what fits, since it does not fit itself. It is told anew, and once."""
    model = Picky()
    options = GatewayOptions(busy="interrupt")
    async with picky_world(model, history_tokens=100, options=options) as world:
        await says(world, "before")
        model.script(hangs())
        await world.say("ada", "a" * 500)
        await world.until(seconds=world.now + 1)
        model.script(hangs())
        await world.say("ada", "two")
        await world.until(seconds=world.now + 1)
        if crash:
            world.crash()
            model.script(hangs())
            await world.start()
            await world.until(seconds=world.now + 1)
        await world.say("ada", "three")
        await world.settle()
        assert heard(model.requests[-1]) == ["before", "a" * 500, "two", "three"]
        assert await world.outcomes() == ["answered"] * 4
        check(world)


async def test_what_was_called_for_a_message_that_is_asked_again_is_told_where_both_are_too_long(
    autojump_clock,
):
    """An interrupt gave the message back; its model is shown it without what came before it and behind it."""

    async def find(arguments, call):
        return "f" * 300

    model = Picky()
    options = GatewayOptions(busy="interrupt")
    async with picky_world(model, tools=[ATool("find", find)], options=options) as world:
        await says(world, "b" * 300)
        model.script(tool("find"), hangs())
        await world.say("ada", "go")
        await world.until(seconds=world.now + 1)
        model.takes = 220
        await world.say("ada", "two")
        await world.settle()
        assert heard(model.requests[-1]) == ["go", "two"]
        assert noted(model.requests[-1]) == [
            f"{compaction.LEFT_OUT}\nCalled so far to answer this. {compaction.RAN}: find."
        ]
        check(world)


@pytest.mark.parametrize("crash", [True, False])
async def test_what_was_called_for_a_message_that_is_told_anew_is_told_too(autojump_clock, crash):
    """Its entry does not fit, so it is told behind what was called for it."""

    async def find(arguments, call):
        return "found"

    model = Picky()
    options = GatewayOptions(busy="interrupt")
    find = ATool("find", find)
    async with picky_world(model, tools=[find], history_tokens=100, options=options) as world:
        await says(world, "before")
        model.script(tool("find"), hangs())
        await world.say("ada", "a" * 500)
        await world.until(seconds=world.now + 1)
        model.script(hangs())
        await world.say("ada", "two")
        await world.until(seconds=world.now + 1)
        if crash:
            world.crash()
            model.script(hangs())
            await world.start()
            await world.until(seconds=world.now + 1)
        await world.say("ada", "three")
        await world.settle()
        called = f"{compaction.CALLED} {compaction.RAN}: find."
        assert [noted(request) for request in model.requests[3:]] == [[called]] * (3 if crash else 2)
        assert heard(model.requests[-1]) == ["before", "a" * 500, "two", "three"]
        check(world)


async def test_what_was_called_in_two_turns_for_a_message_that_is_told_anew_is_told_in_one_note(
    autojump_clock,
):
    """What the second turn was told of the first, and all that it had called, does not fit either."""

    async def gives_much(arguments, call):
        return "f" * 350

    model = Picky()
    options = GatewayOptions(busy="interrupt")
    tools = [ATool(name, gives_much) for name in ("find", "read", "count")]
    async with picky_world(model, tools=tools, history_tokens=100, options=options) as world:
        await says(world, "before")
        for name, word in (("find", "a" * 500), ("read", "two"), ("count", "three")):
            model.script(tool(name), hangs())
            await world.say("ada", word)
            await world.until(seconds=world.now + 1)
        await says(world, "four")
        assert noted(model.requests[-1]) == [f"{compaction.CALLED} {compaction.RAN}: find, read, count."]
        assert heard(model.requests[-1]) == ["a" * 500, "two", "three", "four"]
        check(world)
