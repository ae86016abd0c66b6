"""What a reset ends and what it keeps, and who is shown what goes on."""

from __future__ import annotations

from hermes_trio.testing import text, tool
from tests.processes.seen import exits, result, said, start

# --- reset


async def test_a_reset_ends_what_runs_and_says_nothing(world):
    world.processes.script("server", ends_s=None, ignores_term=True)
    world.model.script(start("server"), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.say("ada", "/new")
    assert await world.reply("ada") == "New session."
    await world.until(seconds=3)
    assert world.processes.alive == []
    assert exits(world) == []
    assert len(world.model.requests) == 2


async def test_a_reset_lists_what_it_keeps(world):
    world.processes.script("serve --port 80", ends_s=50)
    world.model.script(start("serve --port 80", keep=True), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.say("ada", "/new")
    assert await world.reply("ada") == (
        "New session. 1 background process goes on; /stop all ends what runs:\n- 1: serve --port 80 (kept)"
    )
    assert len(world.processes.alive) == 1
    assert await world.reply("ada") == "The background process serve --port 80 ended with code 0."
    assert world.now == 50
    assert len(world.model.requests) == 2


async def test_a_kept_one_can_be_followed_and_ended_in_the_next_conversation(world):
    world.processes.script("server", ends_s=None)
    world.model.script(start("server", keep=True), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.say("ada", "/new")
    await world.settle()
    world.model.script(tool("process", action="list"), tool("process", action="kill", id=1), text("Ended."))
    await world.say("ada", "end it")
    await world.settle()
    assert result(world, 2) == [{"id": 1, "command": "server", "state": "running", "keep": True}]
    assert result(world)["state"] == "killed"
    assert world.processes.alive == []


async def test_an_operator_is_shown_the_session_whose_stop_ends_a_kept_one(world):
    world.processes.script("server", ends_s=None)
    world.model.script(start("server", keep=True), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.say("ada", "/new")
    await world.settle()
    (process,) = (await world.gateway.status()).processes
    assert (process.id, process.session) == (1, 2)
    assert await world.gateway.stop(2) is False
    assert await world.gateway.stop(process.session, everything=True) is True
    await world.until(seconds=world.now + 3)
    assert world.processes.alive == []
    assert (await world.gateway.status()).processes == ()


async def test_an_end_that_waits_when_the_session_is_reset_is_not_told(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("never", after_s=100))
    await world.say("ada", "go")
    await world.until(seconds=10)
    await world.say("ada", "/new")
    await world.settle()
    assert exits(world) == [("process.1.exit", "superseded", "/new")]
    assert len(world.model.requests) == 2


async def test_ten_chats_and_five_are_reset(world):
    """F-077: each event is only in its own chat, and the reset ones start no model call."""
    world.processes.script("make", ends_s=100)
    chats = [f"c{n}" for n in range(10)]
    world.model.script(*(line for _ in chats for line in (start("make"), text("Started."))))
    for chat in chats:
        await world.say("ada", "go", chat=chat)
        await world.settle()
    calls = len(world.model.requests)
    for chat in chats[:5]:
        await world.say("ada", "/new", chat=chat)
    await world.settle()
    world.model.script(*(text("Built.") for _ in chats[5:]))
    await world.until(seconds=200)
    await world.settle()
    assert len(world.model.requests) == calls + 5
    assert [said(world, chat)[1:] for chat in chats[:5]] == [[("reply", "New session.")]] * 5
    assert [said(world, chat)[1:] for chat in chats[5:]] == [[("final", "Built.")]] * 5


# --- what is shown


async def test_stop_lists_what_goes_on_and_stop_all_ends_it(world):
    world.processes.script("serve " + "x" * 100, ends_s=None)
    world.processes.script("make", ends_s=None)
    world.model.script(start("serve " + "x" * 100), start("make", keep=True), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.say("ada", "/status")
    assert "In the background, 2: make (kept)" in await world.reply("ada")
    await world.say("ada", "/stop")
    assert await world.reply("ada") == (
        "Nothing is running. 2 background processes go on; /stop all ends what runs:\n"
        f"- 1: serve {'x' * 53}…\n- 2: make (kept)"
    )
    await world.say("ada", "/stop all")
    assert (await world.reply("ada")).startswith("Nothing is running. Ended 2 background processes too:\n")
    await world.until(seconds=world.now + 3)
    assert world.processes.alive == []
    await world.say("ada", "/stop")
    assert await world.reply("ada") == "Nothing is running."
    assert exits(world) == []


async def test_output_input_and_what_is_not_there(world):
    world.processes.script("repl", prints=[(0, "> ")], ends_s=None, echoes=True)
    world.model.script(
        start("repl"),
        tool("process", action="write", id=1, text="1+1\n"),
        tool("process", action="log", id=1, after_s=1),
        tool("process", action="log", id=1, since=6),
        tool("process", action="poll", id=7),
        tool("process", action="dance"),
        tool("process", action="poll"),
        tool("process", action="start", command="x", watch_patterns=[1]),
        text("ok"),
    )
    await world.say("ada", "go")
    await world.reply("ada")
    assert result(world, 7) == "written"
    assert result(world, 6)["output"] == "> 1+1\n"
    assert result(world, 5)["output"] == ""
    assert result(world, 4) == "ValueError: this conversation has no background process 7"
    assert result(world, 3).startswith("ValueError: action must be one of start, list")
    assert result(world, 2) == "ValueError: id is missing or is not what it must be"
    assert result(world, 1).startswith("ValueError: watch_patterns: a pattern is")


async def test_another_conversation_does_not_see_it(world):
    world.processes.script("server", ends_s=None)
    world.model.script(start("server"), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    world.model.script(tool("process", action="kill", id=1), tool("process", action="list"), text("No."))
    await world.say("ada", "end it", chat="elsewhere")
    await world.reply("elsewhere")
    assert result(world, 2) == "ValueError: this conversation has no background process 1"
    assert result(world) == []
    assert len(world.processes.alive) == 1


async def test_who_is_no_admin_may_not_even_look(world):
    for action in ("start", "list", "poll", "wait", "log", "write", "kill"):
        world.model.script(tool("process", action=action, id=1, command="make", text="x"))
        world.model.script(text("I may not."))
        await world.say("eve", "go")
        assert await world.reply("eve") == "I may not."
        assert "only admins" in result(world)
    assert world.processes.started == []
