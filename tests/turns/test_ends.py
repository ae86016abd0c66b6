"""How a model's answer ended decides what becomes of it: no bad end passes as a good one."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.testing import Line, fails, open_world, text, tool
from hermes_trio.text import sentences
from hermes_trio.transcript import compaction
from hermes_trio.values.transcript import AssistantEntry, ModelAnswer, NoteEntry, ToolCall, UserEntry


class Look:
    """Notes what it was asked to look at."""

    name, description, idempotent = "look", "looks", False
    parameters = {"type": "object", "properties": {"where": {"type": "string"}}}  # noqa: RUF012

    def __init__(self) -> None:
        self.seen: list[object] = []

    async def run(self, arguments, call):
        await trio.lowlevel.checkpoint()
        self.seen.append(arguments)
        return "seen"


def ended(finish, said="I write the file now."):
    return Line(ModelAnswer(text=said, finish=finish), (said,) if said else ())


async def test_an_answer_that_was_cut_at_its_limit_says_so(world):
    world.model.script(ended("length", "The first half"))
    await world.say("ada", "tell me")
    assert await world.reply("ada") == f"The first half\n\n{sentences.PARTIAL}"


async def test_a_call_that_was_cut_at_the_limit_is_asked_for_again(world):
    world.model.script(ended("unfinished"), tool("now"), text("It is written."))
    await world.say("ada", "write it")
    assert await world.reply("ada") == "It is written."
    assert world.model.requests[1].entries == (
        UserEntry("write it"),
        AssistantEntry("I write the file now.", finish="unfinished"),
        NoteEntry(compaction.GO_ON),
    )
    await world.say("ada", "thanks")
    assert await world.reply("ada") == "you said: thanks"
    assert [type(one).__name__ for one in world.model.requests[-1].entries][:3] == [
        "UserEntry",
        "AssistantEntry",
        "NoteEntry",
    ]


async def test_what_has_no_end_is_asked_five_times_and_then_told(world):
    world.model.script(*[ended("unfinished", "")] * 9)
    await world.say("ada", "write it")
    assert await world.reply("ada") == "I stopped: the model did not come to an end in 5 answers."
    assert len(world.model.requests) == 5


@pytest.mark.parametrize("crash_after", [1, 2])
async def test_a_turn_that_goes_on_after_a_crash_asks_as_it_had_asked(autojump_clock, crash_after):
    async with open_world() as world:
        world.model.script(*[ended("unfinished")] * crash_after, text("Done.", after_s=5), text("Done."))
        await world.say("ada", "write it")
        await world.until(seconds=1)
        world.crash()
        await world.start()
        assert await world.reply("ada") == "Done."
        before, after = world.model.requests[-2:]
        assert before.entries == after.entries


async def test_a_call_whose_arguments_never_came_is_not_run(autojump_clock):
    look = Look()
    bare = Line(ModelAnswer(calls=(ToolCall("c1", "look", ""),), finish="tool_calls"))
    async with open_world(tools=[look]) as world:
        world.model.script(bare, text("I see"))
        await world.say("ada", "look")
        assert await world.reply("ada") == "I see"
        assert look.seen == []
        assert "did not arrive" in world.model.requests[1].entries[-1].text


async def test_what_a_model_will_not_answer_does_not_stick(world):
    refusal = fails("malformed")
    world.model.script(refusal, text("Hello, probe."), text("Four."))
    await world.say("ada", "something bad")
    assert "refused your message" in await world.reply("ada")
    await world.say("ada", "2+2?")
    assert await world.reply("ada") == "Four."
    shown = world.model.requests[-1].entries
    assert not any(isinstance(one, UserEntry) and one.text == "something bad" for one in shown)
