"""The built-in model needs no key and can walk through tools."""

from __future__ import annotations

from hermes_trio.models.providers.echo import EchoModel
from hermes_trio.values.transcript import AssistantEntry, ModelRequest, NoteEntry, ToolEntry, UserEntry


async def ask(*entries):
    pieces = []
    request = ModelRequest(prompt="", entries=entries)
    return await EchoModel().complete(request, key="", on_text=pieces.append), pieces


async def test_it_says_what_was_said_in_pieces():
    answer, pieces = await ask(
        UserEntry("old"), AssistantEntry("you said: old"), UserEntry("a line\nand one more")
    )
    assert answer.text == "you said: a line\nand one more" == "".join(pieces)
    assert (answer.finish, len(pieces)) == ("stop", 2)


async def test_it_calls_the_tools_it_is_told_one_by_one_and_reports():
    said = UserEntry('!tool now\n!tool sleep {"seconds": 3}\nthen this')
    entries = [UserEntry("!tool earlier"), said]
    answer, _ = await ask(*entries)
    assert (answer.finish, answer.calls[0].name, answer.calls[0].arguments) == ("tool_calls", "now", "{}")
    entries += [AssistantEntry("", calls=answer.calls), ToolEntry(answer.calls[0].id, "now", "noon")]
    second, _ = await ask(*entries)
    assert (second.calls[0].name, second.calls[0].arguments) == ("sleep", '{"seconds": 3}')
    assert second.calls[0].id != answer.calls[0].id
    entries += [AssistantEntry("", calls=second.calls), ToolEntry(second.calls[0].id, "sleep", "slept")]
    last, _ = await ask(*entries, NoteEntry("a note"))
    assert (last.finish, last.text) == ("stop", "you said: then this\nnow: noon\nsleep: slept")


async def test_it_says_all_that_was_said_on_end_and_nothing_that_was_answered():
    answer, _ = await ask(UserEntry("old"), AssistantEntry("you said: old"), UserEntry("a"), UserEntry("b"))
    assert answer.text == "you said: a\nb"


async def test_it_answers_nothing_with_nothing():
    assert (await ask())[0].text == "you said: "
