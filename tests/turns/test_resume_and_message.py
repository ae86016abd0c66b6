"""A turn that goes on and a message that came meanwhile: one turn, the message last, one answer to both."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.testing import ScriptedModel, hangs, open_world, text, tool
from hermes_trio.values.transcript import AssistantEntry, ToolEntry, UserEntry
from tests.invariants.at_rest import check


def users(request) -> list[str]:
    return [entry.text for entry in request.entries if isinstance(entry, UserEntry)]


async def crash_after(world, seconds: float) -> None:
    await world.until(seconds=world.now + seconds)
    world.crash()


async def test_before_any_step_it_is_one_of_the_messages_the_turn_opens_with(autojump_clock):
    async with open_world() as world:
        world.model.script(hangs())
        await world.say("ada", "one")
        await world.until(seconds=1)
        await world.say("ada", "two")
        await crash_after(world, 1)
        await world.start()
        await world.settle()
        assert users(world.model.requests[-1]) == ["one", "two"]
        assert world.texts("ada", "final") == ["you said: two"]
        assert world.db.execute("select id, state from turn").fetchall() == [(1, "finished")]
        check(world)


async def test_after_a_step_it_is_said_where_the_recording_ends_and_stays_there(autojump_clock):
    async with open_world() as world:
        world.model.script(tool("now"), hangs(), hangs())
        await world.say("ada", "one")
        await world.until(seconds=1)
        await world.say("ada", "two")
        await crash_after(world, 1)
        await world.start()
        await crash_after(world, 1)
        world.model.script(tool("now"), text("to both"))
        await world.start()
        await world.settle()
        first, second, third = (request.entries for request in world.model.requests[-3:])
        kinds = [UserEntry, AssistantEntry, ToolEntry, UserEntry]
        assert [type(entry) for entry in first] == kinds
        assert first[-1] == UserEntry("two")
        assert second == first
        assert [type(entry) for entry in third] == [*kinds, AssistantEntry, ToolEntry]
        assert world.texts("ada", "final") == ["to both"]
        assert await world.outcomes() == ["answered", "answered"]
        check(world)


async def test_it_is_not_said_to_a_function_that_has_begun_steps_and_would_not_look(autojump_clock):
    async def agent(turn):
        async def work():
            return "done"

        await turn.step("work", work)
        await trio.sleep(5)
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        await world.say("ada", "one")
        await world.until(seconds=1)
        await world.say("ada", "two")
        await crash_after(world, 1)
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["re: one", "re: two"]
        check(world)


@pytest.mark.parametrize(("first", "second"), [("one", "/queue two"), ("/queue one", "two")])
async def test_what_is_to_be_a_turn_of_its_own_stays_one(autojump_clock, first, second):
    async with open_world() as world:
        world.model.script(hangs())
        await world.say("ada", first)
        await world.until(seconds=1)
        await world.say("ada", second)
        await crash_after(world, 1)
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["you said: one", "you said: two"]
        check(world)


async def test_behind_one_of_its_own_nothing_overtakes(autojump_clock):
    async with open_world() as world:
        world.model.script(hangs())
        await world.say("ada", "one")
        await world.until(seconds=1)
        for words in ("two", "/queue three", "four"):
            await world.say("ada", words)
        await crash_after(world, 1)
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["you said: two", "you said: three", "you said: four"]
        check(world)


async def test_what_may_be_a_fragment_waits_for_its_rest(autojump_clock):
    async with open_world() as world:
        world.model.script(hangs())
        await world.say("ada", "one")
        await world.until(seconds=1)
        for album, words in ((None, "whole"), ("a", "picture 1")):
            await world.say("ada", words, album=album)
        await world.until(seconds=1.1)
        world.crash()
        await world.start()
        await world.say("ada", "picture 2", album="a")
        await world.settle()
        assert [users(request)[-2:] for request in world.model.requests[1:]] == [
            ["one", "whole"],
            ["picture 1", "picture 2"],
        ]
        check(world)


async def test_a_message_of_another_does_not_join_a_turn_that_asks(autojump_clock):
    async def agent(turn):
        if "paint" in turn.text:
            return f"{await turn.ask('Which?')} it is"
        return f"re: {turn.text}"

    async with open_world(agent, session=SessionOptions(scope="chat")) as world:
        await world.say("ada", "paint", chat="group", group=True)
        await world.until(seconds=1)
        await world.say("bob", "hello", chat="group", group=True)
        await crash_after(world, 1)
        await world.start()
        await world.until(seconds=5)
        assert world.texts("group", "final") == []
        [prompt] = world.shown("group")
        await world.say("ada", "red", chat="group", group=True, replies_to=prompt.message_id)
        await world.settle()
        assert world.texts("group", "final") == ["red it is", "re: hello"]
        check(world)


class Counted(ScriptedModel):
    """Knows how many calls were in flight at most."""

    most = 0

    async def _play(self, line, on_text):
        self.most = max(self.most, self.in_flight)
        return await super()._play(line, on_text)


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
async def test_a_message_at_any_time_after_a_start_makes_no_second_agent(autojump_clock, every):
    """Pushed at each 5 ms of the first two seconds after a start that finds a turn cut mid-stream."""
    for offset in range(0, 400, every):
        async with open_world(seed=offset, commit_s=0.002, start=False) as world:
            world.model = model = Counted()
            await world.start()
            model.script(text("on", "e", after_s=0.5, between_s=0.3), text("two", after_s=0.2))
            await world.say("ada", "first")
            await crash_after(world, 0.6)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(world.start)
                await trio.sleep(offset * 0.005)
                await world.say("ada", "second")
            await world.settle()
            assert model.most == 1, world.timeline()
            assert await world.outcomes() == ["answered", "answered"]
            assert world.texts("ada", "final") == ["one", "two"], world.timeline()
            assert users(model.requests[-1])[-1] == "second"
            check(world)
