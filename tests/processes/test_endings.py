"""A conversation ends by a rule, by being stuck, or while the store is down: what becomes of its programs."""

from __future__ import annotations

import pytest

from hermes_trio.commands.stop import command as stop
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.testing import hangs, text, tool
from hermes_trio.values.actions import Reset
from tests.processes.seen import exits, notes, said, start


class NewOnAFullDisk:
    """/new, where nothing can be written from the moment it is asked for."""

    names = ("new",)
    help = "New."
    role = "user"
    world = None

    async def run(self, call):
        self.world.disk.full = True
        return Reset("/new")


async def runs(world, *commands, **more):
    """Programs that only end if they are ended, started by a turn that is over."""
    for command in commands:
        world.processes.script(command, ends_s=None, ignores_term=True)
        world.model.script(start(command, keep="keep" in command, **more))
    world.model.script(text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")


def alive(world):
    return [process.command for process in world.processes.alive]


@pytest.mark.world(session=SessionOptions(reset="idle", idle_after_s=3600))
async def test_the_policy_ends_them_and_lists_what_is_kept(world):
    await runs(world, "make", "serve keep")
    world.model.script(text("Hello."))
    await world.until(hours=2)
    assert alive(world) == ["make", "serve keep"]
    await world.say("ada", "hello")
    notice = await world.reply("ada")
    assert notice.startswith("New conversation: nothing was said for 60 min.")
    assert notice.endswith("1 background process goes on; /stop all ends what runs:\n- 2: serve keep (kept)")
    assert await world.reply("ada") == "Hello."
    await world.until(seconds=world.now + 3)
    assert alive(world) == ["serve keep"]
    assert exits(world) == []


@pytest.mark.world(session=SessionOptions(reset="idle", idle_after_s=60))
async def test_an_answer_to_an_end_is_part_of_the_conversation_which_it_makes_last(world):
    """The boundary passed while the program ran: its end is told in the old one, and a person may go on."""
    world.processes.script("make", ends_s=100)
    world.model.script(start("make"), text("Started."), text("Built."), text("I run it."), text("Hello."))
    await world.say("ada", "go")
    assert [await world.reply("ada") for _ in range(2)] == ["Started.", "Built."]
    assert world.now == 100
    await world.until(seconds=110)
    await world.say("ada", "run it")
    assert await world.reply("ada") == "I run it."
    assert len(notes(world)) == 1
    await world.until(seconds=171)
    await world.say("ada", "hello")
    assert (await world.reply("ada")).startswith("New conversation")
    assert await world.reply("ada") == "Hello."
    assert notes(world) == []


@pytest.mark.world(options=GatewayOptions(stuck_after=2))
async def test_what_a_stuck_conversation_ran_is_ended_and_no_model_hears_of_it(world):
    await runs(world, "make", "serve keep")
    for _ in range(2):
        world.model.script(hangs())
    await world.say("ada", "poison")
    for _ in range(2):
        await world.until(seconds=world.now + 31)
        world.crash()
        await world.start()
    await world.settle()
    await world.until(seconds=world.now + 3)
    assert alive(world) == []
    (notice,) = [shown for what, shown in said(world) if what == "notice"]
    assert "set this conversation aside" in notice
    world.model.script(text("Fresh."))
    await world.say("ada", "hello")
    await world.settle()
    assert said(world)[-1] == ("final", "Fresh.")
    assert notes(world) == []
    # The turn that was resumed was told of them; it is what was stuck.
    assert [outcome for _, outcome, _ in exits(world)] == ["failed"] * 2


new = NewOnAFullDisk()


@pytest.mark.world(commands=[new, stop])
async def test_a_reset_that_cannot_be_written_ends_what_the_turn_waits_for_and_the_rest_when_it_is(world):
    new.world = world
    await runs(world, "make")
    world.processes.script("build", ends_s=None, ignores_term=True)
    world.model.script(tool("terminal", command="build"))
    await world.say("ada", "build")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.until(seconds=2.9)
    assert alive(world) == ["make", "build"]
    # Two seconds for the reset, a second and a half and a little for what ignores TERM.
    await world.until(seconds=5)
    assert alive(world) == ["make"]
    await world.until(seconds=60)
    world.disk.full = False
    await world.until(seconds=80)
    await world.settle()
    assert alive(world) == []
    assert said(world)[-1] == ("reply", "New session.")
    rows = world.db.execute("select command, state from process order by id").fetchall()
    assert rows == [("make", "killed"), ("build", "killed")]
    assert exits(world) == []


async def test_an_end_while_nothing_can_be_written_is_told_when_it_can(world):
    world.processes.script("make", prints=[(4, "all good\n")], ends_s=5)
    world.model.script(start("make"), text("Started."), text("Built."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.until(seconds=1)
    world.disk.full = True
    await world.until(seconds=60)
    world.disk.full = False
    assert await world.reply("ada") == "Built."
    assert "exited with code 0 after 5 s" in notes(world)[0]
    assert "all good" in notes(world)[0]
