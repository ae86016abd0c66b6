"""The end of a background process is told to the conversation it was started in, exactly once."""

from __future__ import annotations

import pytest

from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, hangs, text, tool
from hermes_trio.values import Policy

from .seen import notes, result, said


def start(command, **more):
    return tool("process", action="start", command=command, **more)


def exits(world):
    """The inbound rows that tell of ends: native id, outcome, reason."""
    rows = "select native, outcome, reason from inbound where kind = 'wake' order by id"
    return world.db.execute(rows).fetchall()


async def test_between_turns_it_opens_a_turn(world):
    world.processes.script("make", prints=[(59, "all good\n")], ends_s=60)
    world.model.script(start("make"), text("Started."), text("It is built."))
    await world.say("ada", "build it")
    assert await world.reply("ada") == "Started."
    assert result(world) == {"id": 1, "command": "make", "state": "running"}
    assert await world.reply("ada") == "It is built."
    assert world.now == 60
    (note,) = notes(world)
    assert note == "Background process 1 (make) exited with code 0 after 60 s. Its last output:\nall good\n"
    await world.settle()
    assert exits(world) == [("child.1.exit", "answered", "")]


async def test_while_a_turn_runs_it_is_heard_at_its_next_step(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), tool("sleep", s=10), text("Built, I see."))
    await world.say("ada", "build it")
    assert await world.reply("ada") == "Built, I see."
    await world.settle()
    assert len(notes(world)) == 1
    assert len(world.model.requests) == 3
    assert exits(world) == [("child.1.exit", "answered", "")]
    assert world.db.execute("select count(*) from turn").fetchone() == (1,)


async def test_without_a_next_step_it_opens_a_turn(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("Bye.", after_s=10), text("Built."))
    await world.say("ada", "build it")
    assert await world.reply("ada") == "Bye."
    assert await world.reply("ada") == "Built."


async def test_messages_of_people_come_first(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("Bye.", after_s=10), text("Five."), text("Built."))
    await world.say("ada", "build it")
    await world.until(seconds=6)
    await world.say("ada", "two and three?")
    assert [await world.reply("ada") for _ in range(3)] == ["Bye.", "Five.", "Built."]
    assert len(notes(world)) == 1


@pytest.mark.parametrize(
    "action", [{"action": "poll"}, {"action": "wait"}, {"action": "log"}, {"action": "kill"}]
)
async def test_who_asks_for_what_has_ended_is_told_no_second_time(world, action):
    world.processes.script("make", ends_s=5)
    world.model.script(
        start("make"),
        text("Wait.", after_s=4),
        tool("process", id=1, after_s=2, **action),
        text("It has ended."),
    )
    await world.say("ada", "build it")
    await world.until(seconds=4.5)
    await world.say("ada", "and?")
    assert [await world.reply("ada") for _ in range(2)] == ["Wait.", "It has ended."]
    await world.until(seconds=100)
    await world.settle()
    assert result(world)["state"] == "exited"
    assert [outcome for _, outcome, _ in exits(world)] == ["answered"]
    assert world.db.execute("select count(*) from turn").fetchone() == (2,)
    assert len(world.shown("ada")) == 2


async def test_a_wait_that_sees_the_end_consumes_it(world):
    world.processes.script("make", ends_s=5, code=1)
    world.model.script(start("make"), tool("process", action="wait", id=1, timeout_s=60), text("Failed."))
    await world.say("ada", "build it")
    assert await world.reply("ada") == "Failed."
    assert result(world) == {"id": 1, "command": "make", "state": "exited", "exit_code": 1}
    await world.settle()
    assert exits(world) == [("child.1.exit", "answered", "consumed")]


async def test_a_poll_that_said_running_does_not(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), tool("process", action="poll", id=1), text("Runs."), text("Ended."))
    await world.say("ada", "build it")
    assert [await world.reply("ada") for _ in range(2)] == ["Runs.", "Ended."]


async def test_a_kill_is_not_told(world):
    world.processes.script("server", ends_s=None, ignores_term=True)
    world.model.script(start("server"), tool("process", action="kill", id=1), text("Ended it."))
    await world.say("ada", "go")
    assert await world.reply("ada") == "Ended it."
    assert result(world) == {"id": 1, "command": "server", "state": "killed", "exit_code": -9}
    await world.until(seconds=100)
    assert exits(world) == [("child.1.exit", "answered", "consumed")]
    assert notes(world) == []
    assert len(world.model.requests) == 3


async def test_who_does_not_want_to_be_told_is_not(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make", notify_on_complete=False), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.until(seconds=100)
    assert exits(world) == []
    assert world.processes.alive == []


async def test_while_the_gateway_drains_it_is_told_by_the_next_life(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), tool("sleep", s=1), text("Bye.", after_s=10), text("Built."))
    await world.say("ada", "go")
    await world.until(seconds=3)
    await world.stop()
    assert said(world) == [("final", "Bye.")]
    await world.start()
    await world.settle()
    assert said(world) == [("final", "Bye."), ("final", "Built.")]
    assert len(notes(world)) == 1
    assert len(exits(world)) == 1


@pytest.mark.parametrize("cut", ["crash", "stop"])
async def test_what_a_restart_ended_is_lost_and_said_to_be(world, cut):
    world.processes.script("make", ends_s=None, ignores_term=True)
    world.model.script(start("make"), text("Started."), text("It was lost."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.until(seconds=5)
    if cut == "crash":
        world.crash()
    else:
        await world.stop()
        assert world.processes.alive == []
    await world.start()
    assert await world.reply("ada") == "It was lost."
    (note,) = notes(world)
    assert "was lost at a restart" in note
    await world.until(seconds=world.now + 2)
    assert world.processes.alive == []
    assert exits(world) == [("child.1.exit", "answered", "")]
    world.crash()
    await world.start()
    await world.settle()
    assert len(world.shown("ada")) == 2


async def test_a_crash_after_the_end_and_before_its_turn_costs_nothing(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("Started."), text("Built.", after_s=1), text("Built."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.until(seconds=5.5)
    world.crash()
    await world.start()
    assert await world.reply("ada") == "Built."
    assert len(notes(world)) == 1
    assert len(exits(world)) == 1


async def test_told_once_also_where_the_turn_that_was_told_is_cut(world):
    """A result and that it tells of the end are one commit: without the first there is not the second."""
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), tool("process", action="wait", id=1, timeout_s=60))
    await world.say("ada", "go")
    await world.until(seconds=4)
    world.crash()
    world.model.script(text("It was lost."))
    await world.start()
    await world.settle()
    assert "unknown" in result(world)
    assert len(notes(world)) == 1


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
    (child,) = (await world.gateway.status()).children
    assert (child.id, child.session) == (1, 2)
    assert await world.gateway.stop(2) is False
    assert await world.gateway.stop(child.session, everything=True) is True
    await world.until(seconds=world.now + 3)
    assert world.processes.alive == []
    assert (await world.gateway.status()).children == ()


async def test_an_end_that_waits_when_the_session_is_reset_is_not_told(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("never", after_s=100))
    await world.say("ada", "go")
    await world.until(seconds=10)
    await world.say("ada", "/new")
    await world.settle()
    assert exits(world) == [("child.1.exit", "superseded", "/new")]
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


# --- how often


async def test_at_most_three_turns_of_its_own_between_two_messages(world):
    for n in range(6):
        world.processes.script(f"job {n}", ends_s=10.0 * (n + 1))
    world.model.script(*(start(f"job {n}") for n in range(6)), text("Started."))
    world.model.script(*(text(f"{n} ended.") for n in range(3)))
    await world.say("ada", "go")
    await world.until(seconds=100)
    await world.settle()
    finals = [shown for shown in said(world) if shown[0] == "final"]
    notices = [shown for shown in said(world) if shown[0] == "notice"]
    assert [shown for _, shown in finals] == ["Started.", "0 ended.", "1 ended.", "2 ended."]
    assert len(notices) == 1
    assert [outcome for _, outcome, _ in exits(world)] == ["answered"] * 3 + ["expired"] * 3
    world.model.script(text("I know."))
    await world.say("ada", "and?")
    await world.settle()
    assert len(notes(world)) == 6


async def test_a_message_of_a_person_begins_the_count_anew(world):
    for n in range(6):
        world.processes.script(f"job {n}", ends_s=10.0 * (n + 1))
    world.model.script(*(start(f"job {n}") for n in range(6)), text("Started."))
    world.model.script(*(text(f"answer {n}") for n in range(7)))
    await world.say("ada", "go")
    await world.until(seconds=35)
    await world.say("ada", "hello")
    await world.until(seconds=100)
    await world.settle()
    assert [outcome for _, outcome, _ in exits(world)] == ["answered"] * 6
    assert not [shown for shown in said(world) if shown[0] == "notice"]


async def test_it_does_not_count_as_waiting_nor_interrupt(autojump_clock):
    from hermes_trio.options import Gateway
    from hermes_trio.testing import open_world
    from hermes_trio.tools.process import tool as process

    platform = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
    options = Gateway(busy="interrupt", queue_max=1)
    async with open_world(tools=[process], platform=platform, options=options) as world:
        world.processes.script("make", ends_s=5)
        world.model.script(start("make"), text("Done.", after_s=20), text("Built."))
        await world.say("ada", "go")
        await world.until(seconds=10)
        await world.say("ada", "/status")
        assert "waiting" not in await world.reply("ada")
        assert await world.reply("ada") == "Done."
        assert await world.reply("ada") == "Built."


@pytest.mark.world(options=GatewayOptions(busy="interrupt"))
async def test_a_note_that_an_interrupted_turn_was_told_is_not_told_again(world):
    """It stands in the conversation; a model is never asked about one that has its answer."""
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("Started."), hangs(), text("Both."))
    await world.say("ada", "build it")
    await world.until(seconds=7)
    await world.say("ada", "and now?")
    await world.settle()
    assert [text for _, text in said(world)] == ["Started.", "Both."]
    assert len(notes(world)) == 1
    assert exits(world) == [("child.1.exit", "answered", "noted")]
    assert len(world.model.requests) == 4


async def test_nobody_who_may_no_longer_speak_has_anything_run(world):
    world.processes.script("make", ends_s=None)
    world.model.script(start("make"), text("Started."))
    await world.say("ada", "go")
    await world.settle()
    world.crash()
    world.platform.policy = Policy(allow_users=("eve",))
    await world.start()
    await world.settle()
    assert len(world.model.requests) == 2
    assert exits(world) == [("child.1.exit", "dropped", "allow_users")]
    assert len(world.shown("ada")) == 1


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
