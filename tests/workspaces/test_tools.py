"""The tools for files keep the contract of tools, and a conversation works with them across crashes."""

import pytest

from hermes_trio import ToolEntry
from hermes_trio.testing import check_tool, open_world, text, tool
from hermes_trio.tools.edit import tool as edit
from hermes_trio.tools.list import tool as list_
from hermes_trio.tools.read import tool as read
from hermes_trio.tools.search import tool as search
from hermes_trio.tools.write import tool as write

DAY_S = 24 * 3600.0
TOOLS = [read, write, edit, list_, search]

GOOD = {
    "write": [{"path": "a.txt", "text": "x"}, {"path": "b/c.txt", "text": ""}],
    "list": [{}, {"path": "", "deep": True}],
    "search": [{"text": "x"}, {"text": "x", "ignore_case": True}],
}


@pytest.mark.parametrize("each", [write, list_, search], ids=lambda one: one.name)
async def test_it_keeps_the_contract(each, autojump_clock):
    await check_tool(each, good=GOOD[each.name], bad=[{"path": "/etc/passwd", "text": "x"}, {"nothing": 1}])


@pytest.fixture
async def world(autojump_clock):
    async with open_world(tools=TOOLS) as world:
        yield world


def results(world):
    """What the model was told of the calls, in its last request."""
    return [entry.text for entry in world.model.requests[-1].entries if isinstance(entry, ToolEntry)]


async def test_a_model_works_on_files(world):
    world.model.script(
        tool("write", path="plan.txt", text="one\ntwo\n"),
        tool("edit", path="plan.txt", old="two", new="2"),
        tool("read", path="plan.txt"),
        tool("search", text="2"),
        tool("list"),
        text("done"),
    )
    await world.say("ada", "make a plan")
    assert await world.reply("ada") == "done"
    assert results(world) == [
        "Written: 8 bytes.",
        "Replaced once.",
        '{"text":"one\\n2\\n","lines":"1-2 of 2"}',
        "plan.txt:2: 2",
        "plan.txt (6 bytes)",
    ]
    assert (world.workspaces.path(1) / "plan.txt").read_text() == "one\n2\n"


async def test_what_is_wrong_is_told_to_the_model(world):
    world.model.script(tool("read", path="../x"), tool("read", path="x", first="many"), text("sorry"))
    await world.say("ada", "look")
    await world.reply("ada")
    first, second = results(world)
    assert "stays in the workspace" in first
    assert "Expected `int`" in second


async def test_each_conversation_has_files_of_its_own(world):
    world.model.script(tool("write", path="mine.txt", text="of ada"), text("kept"))
    await world.say("ada", "keep it")
    await world.reply("ada")
    world.model.script(tool("read", path="mine.txt"), text("nothing"))
    await world.say("bob", "what is there?")
    await world.reply("bob")
    assert "there is no such file" in results(world)[-1]


async def test_files_outlive_a_crash_and_are_gone_a_day_after_their_conversation(world):
    world.model.script(tool("write", path="mine.txt", text="kept"), text("kept"))
    await world.say("ada", "keep it")
    await world.reply("ada")
    world.crash()
    await world.start()
    folder = world.workspaces.path(1)
    assert (folder / "mine.txt").read_text() == "kept"
    await world.say("ada", "/new")
    await world.reply("ada")
    await world.until(seconds=DAY_S - 1)
    assert folder.exists()
    await world.until(seconds=DAY_S + 7 * 3600)
    assert not folder.exists()
    assert [line["session"] for line in world.lines("workspace removed")] == [1]
