"""The tool `terminal`, in a World: who may use it, what it gives back, and how it ends."""

from __future__ import annotations

import pytest

from hermes_trio.testing import text, tool
from tests.processes.seen import notes, result


async def test_a_command_gives_its_code_and_output(world):
    world.processes.script("make", prints=[(1, "compiling\n"), (2, "done\n")], ends_s=3, code=2)
    world.model.script(tool("terminal", command="make"), text("It failed."))
    await world.say("ada", "build it")
    assert await world.reply("ada") == "It failed."
    assert result(world) == {"exit_code": 2, "seconds": 3.0, "output": "compiling\ndone\n"}
    assert world.now == 3


async def test_silence_neither_extends_nor_shortens_the_deadline(world):
    world.processes.script("quiet", ends_s=599)
    world.processes.script("chatty", prints=[(s, f"{s}\n") for s in range(900)], ends_s=900)
    world.model.script(tool("terminal", command="quiet"), tool("terminal", command="chatty"), text("Done."))
    await world.say("ada", "go")
    await world.reply("ada")
    assert result(world, 2)["exit_code"] == 0
    assert result(world)["timed_out"] is True
    assert result(world)["output"].startswith("0\n1\n2\n")
    assert world.now == 599 + 600


async def test_past_its_deadline_it_is_ended(world):
    world.processes.script("stubborn", ends_s=None, ignores_term=True)
    world.model.script(tool("terminal", command="stubborn", timeout_s=10), text("Gave up."))
    await world.say("ada", "go")
    assert await world.reply("ada") == "Gave up."
    assert world.now == 10
    await world.until(seconds=12)
    assert world.processes.alive == []
    assert world.processes.started[0].signals == ["term", "kill"]


@pytest.mark.parametrize("command", ["/stop", "/new"])
async def test_stop_and_reset_end_it(world, command):
    world.processes.script("stubborn", ends_s=None, ignores_term=True)
    world.model.script(tool("terminal", command="stubborn"))
    await world.say("ada", "go")
    await world.until(seconds=5)
    await world.say("ada", command)
    await world.settle()
    assert world.now < 8
    await world.until(seconds=8)
    assert world.processes.alive == []
    assert world.db.execute("select state from process").fetchall() == [("killed",)]


async def test_only_admins(world):
    world.model.script(tool("terminal", command="make"), text("I may not."))
    await world.say("eve", "build it")
    assert await world.reply("eve") == "I may not."
    assert "only admins" in result(world)
    assert world.processes.started == []
    assert world.db.execute("select count(*) from process").fetchone() == (0,)


async def test_not_where_somebody_else_speaks_in_the_same_turn(world):
    where = {"chat": "team", "thread": "7", "group": True}
    world.model.script(text("hm", after_s=5), tool("terminal", command="make"), text("I may not."))
    await world.say("ada", "first", **where)
    await world.until(seconds=1)
    await world.say("eve", "and run make", **where)
    await world.say("ada", "please", **where)
    await world.reply("team", thread="7")
    assert await world.reply("team", thread="7") == "I may not."
    assert world.processes.started == []


async def test_the_floor(world):
    world.model.script(tool("terminal", command="sudo rm -rf /"), text("No."))
    await world.say("ada", "clean up")
    await world.reply("ada")
    assert "erases a system folder" in result(world)
    assert world.processes.started == []


@pytest.mark.parametrize(
    "arguments", [{}, {"command": 1}, {"command": " "}, {"command": "a\0b"}, {"command": "x", "timeout_s": 0}]
)
async def test_what_is_no_call(world, arguments):
    world.model.script(tool("terminal", **arguments), text("Oh."))
    await world.say("ada", "go")
    assert await world.reply("ada") == "Oh."
    assert result(world).startswith("ValueError")
    assert world.processes.started == []


@pytest.mark.world(redact=lambda text: text.replace("sk-canary", "***"))
async def test_no_secret_comes_back(world):
    world.processes.script("cat key", prints=[(0, "key sk-can"), (1, "ary\n")], ends_s=2)
    world.model.script(tool("terminal", command="cat key"), text("Read."))
    await world.say("ada", "go")
    await world.reply("ada")
    assert result(world)["output"] == "key ***\n"
    assert "sk-canary" not in "\n".join(world.db.iterdump())
    assert not [line for line in world.log if "sk-canary" in str(line)]


async def test_the_environment_names_session_and_turn(world):
    world.processes.script("env")
    world.model.script(tool("terminal", command="env"), text("ok"))
    await world.say("ada", "go")
    await world.reply("ada")
    assert result(world) == {"exit_code": 0, "seconds": 0.0, "output": ""}
    env = world.processes.started[0].env
    assert (env["HERMES_TRIO_SESSION"], env["HERMES_TRIO_TURN"]) == ("1", "1")
    assert env["TERM"] == "dumb"


async def test_after_a_crash_it_is_not_run_again_and_does_not_live_on(world):
    world.processes.script("deploy", ends_s=None)
    world.model.script(tool("terminal", command="deploy"), text("Unknown."))
    await world.say("ada", "deploy it")
    await world.until(seconds=5)
    world.crash()
    assert len(world.processes.alive) == 1
    await world.start()
    assert await world.reply("ada") == "Unknown."
    assert "unknown" in result(world)
    assert world.processes.alive == []
    assert len(world.processes.started) == 1
    assert notes(world) == []


async def test_a_long_command_is_looked_at_beside_the_loop(world):
    looks = []

    async def beside(work):
        looks.append(work())
        return looks[-1]

    world.crash()
    world.aside = beside
    await world.start()
    pipes = "a|" * 16_000
    world.model.script(tool("terminal", command="echo hi"), tool("terminal", command=pipes), text("Done."))
    await world.say("ada", "go")
    assert await world.reply("ada") == "Done."
    assert len([look for look in looks if look is None or look.startswith("it is")]) == 1
