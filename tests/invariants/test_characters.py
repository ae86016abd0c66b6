"""One broken character, wherever it comes from, costs nothing but itself."""

from __future__ import annotations

import msgspec
import pytest

from hermes_trio.testing import open_world, text
from hermes_trio.testing.scripted_model import Line
from hermes_trio.values.transcript import ModelAnswer, ToolCall, ToolEntry, UserEntry
from tests.agent.test_agent import ATool
from tests.invariants.at_rest import check

BROKEN = {
    "surrogate": "a\ud800b",
    "pair in two halves": "a\ud83d\ude00b",
    "nul": "a\0b",
    "bom": "\ufeffa b\ufeff",
    "noncharacter": "a\uffff\U0010ffffb",
    "right to left": "a\u202eb\u2066",
    "a megabyte of marks": "a" + "\u0301" * 500_000 + "b",
    "nothing to see": "\u200b\u200b",
}
broken = pytest.mark.parametrize("word", BROKEN.values(), ids=BROKEN.keys())


def is_whole(value):
    """Whether a text is Unicode scalars without NUL."""
    return value.encode().decode() == value and "\0" not in value


async def and_goes_on(world):
    """The turn has completed and the next message works, also after a crash."""
    for seen in world.platform.seen.values():
        assert is_whole(seen.text)
    for _ in range(2):
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada", "final")[-1] == "you said: hello"
        world.crash()
        await world.start()
    await world.settle()
    assert set(await world.outcomes()) == {"answered"}
    check(world)


@broken
async def test_in_what_a_user_writes(world, word):
    await world.say("ada", word)
    await world.settle()
    (entry,) = world.model.requests[-1].entries
    assert is_whole(entry.text)
    assert entry.text.replace("\ufffd", "").startswith(("a", "\ufeff", "\u200b"))
    await and_goes_on(world)


@broken
async def test_in_a_name_a_command_and_what_is_behind_it(world, word):
    message = world.platform.message("ada", f"/queue {word}")
    world.platform.push(msgspec.structs.replace(message, sender=word, message_id="7"))
    await world.say("ada", f"/nonsense{word}")
    await world.settle()
    await and_goes_on(world)


@broken
async def test_in_what_a_model_says_and_streams(world, word):
    world.model.script(text(word, "and", word, between_s=1))
    await world.say("ada", "one")
    await world.settle()
    await and_goes_on(world)


@broken
@pytest.mark.parametrize("escaped", [True, False])
async def test_in_the_arguments_of_a_call_and_its_result(autojump_clock, word, escaped):
    async def look(arguments, call):
        return f"found {word} {len(arguments)}"

    async def give(arguments, call):
        return {"found": [word[:20_000]]}

    async with open_world(tools=[ATool("look", look), ATool("give", give)]) as world:
        arguments = msgspec.json.encode({"a": "?"}).decode()
        escape = "".join(f"\\u{ord(c) & 0xFFFF:04x}" for c in word[:100]) if escaped else word[:20_000]
        calls = tuple(
            ToolCall(f"c{word[:3]}{name}", name, arguments.replace("?", escape)) for name in ("look", "give")
        )
        world.model.script(
            Line(ModelAnswer(text=word[:20_000], calls=calls, finish="tool_calls")), text("done")
        )
        await world.say("ada", "one")
        await world.settle()
        entries = world.model.requests[-1].entries
        results = [entry.text for entry in entries if isinstance(entry, ToolEntry)]
        assert len(results) == 2
        assert all(map(is_whole, results))
        assert world.texts("ada", "final") == ["done"]
        await and_goes_on(world)


@broken
async def test_in_what_an_agent_of_ones_own_says_and_asks(autojump_clock, word):
    async def agent(turn):
        if turn.text == "hello":
            return "you said: hello"
        turn.stream(word)
        await turn.say(word)
        return word + await turn.ask(f"{word}?", choices=[f"{word}!", "b"])

    async with open_world(agent) as world:
        await world.say("ada", "one")
        await world.until(seconds=1)
        await world.say("ada", word)
        await world.settle()
        await and_goes_on(world)


async def test_halves_of_a_pair_are_joined(world):
    await world.say("ada", "\ud83d\ude00")
    await world.settle()
    assert world.model.requests[-1].entries == (UserEntry("😀"),)
