"""An entry that stands in another conversation than its turn's is put back, or set aside; it is said, and
nobody else is shown it."""

from __future__ import annotations

import pytest

from hermes_trio.config.options import Gateway
from hermes_trio.gateway.sweep import SWEPT_S
from hermes_trio.store.promises import recording
from hermes_trio.store.promises.entry_repair import _WHERE_IT_BELONGS
from hermes_trio.store.sqlite.tx import SqliteTx
from hermes_trio.testing import fails, hangs, open_world, text, tool
from tests.invariants.at_rest import check
from tests.scenes import crash_and_go_on, verdicts
from tests.store.test_lost_calls import sender, shown, told

NOWHERE = ["'rubbish'", "7", "x'00'", "-9", "9e999"]
"""Values that are no conversation's number."""


def gone(world):
    return [what for line in world.lines("out of the way") for what in line["what"].split(", ")]


async def called_and_interrupted(world):
    """The model has called for "go" and works on: the entries are the message, the call and its result."""
    world.model.script(tool("send"), hangs())
    await world.say("ada", "go")
    await world.until(seconds=1)


@pytest.mark.parametrize("crash", [True, False])
@pytest.mark.parametrize("session", NOWHERE)
@pytest.mark.parametrize("entry", [1, 2, 3])
async def test_one_that_stands_nowhere_is_put_back(autojump_clock, entry, session, crash):
    async with open_world(tools=[sender()], options=Gateway(busy="interrupt")) as world:
        await called_and_interrupted(world)
        world.db.execute(f"update entry set session = {session} where id = ?", (entry,))
        await world.say("ada", "two")
        if crash:
            await crash_and_go_on(world)
        await world.settle()
        assert shown(world) == ["go", "sent", "two"]
        assert gone(world) == [f"entry {entry}"]
        await world.say("ada", "three")
        await world.settle()
        assert shown(world) == ["go", "sent", "two", "three"]
        assert len(gone(world)) == 1
        check(world)


async def test_what_was_called_is_told_where_two_conversations_might_have_the_call(autojump_clock):
    async with open_world(tools=[sender()], options=Gateway(busy="interrupt")) as world:
        await world.say("bob", "hello")
        await world.settle()
        await called_and_interrupted(world)
        world.db.execute("update entry set session = 1 where id = 4")
        await world.say("ada", "two")
        await world.settle()
        assert shown(world) == ["go", told("send"), "two"]
        await world.say("bob", "and?")
        await world.settle()
        assert shown(world) == ["hello", "and?"]
        assert len(gone(world)) == 1
        check(world)


@pytest.mark.parametrize("crash", [True, False])
@pytest.mark.parametrize("first", ["bob", "ada"])
async def test_what_one_person_said_is_shown_to_nobody_else(autojump_clock, first, crash):
    """Bob's message stands in Ada's conversation, whoever speaks first."""
    async with open_world() as world:
        for user in ("ada", "bob"):
            await world.say(user, f"I am {user}")
            await world.settle()
        world.db.execute("update entry set session = 1 where id = 3")
        if crash:
            world.crash()
            await world.start()
        for user in (first, "ada" if first == "bob" else "bob"):
            await world.say(user, "more")
            await world.settle()
            assert shown(world) == [f"I am {user}", "more"]
        assert len(gone(world)) == 1
        check(world)


async def test_nor_is_an_answer_whose_turn_is_said_to_be_anothers(autojump_clock):
    """The number of its turn is spoilt, not that of its conversation: nothing tells the two apart."""
    async with open_world() as world:
        world.model.script(text("Ada's secret."), text("Hello, Bob."))
        for user in ("ada", "bob"):
            await world.say(user, "hello")
            await world.settle()
        world.db.execute("update entry set turn = 2 where id = 2")
        for user in ("bob", "ada"):
            world.model.script(text("Yes."))
            await world.say(user, "more")
            await world.settle()
            assert "secret" not in repr(world.model.requests[-1])
        assert len(gone(world)) == 1


async def test_a_message_that_waited_at_a_reset_stands_rightly_in_the_next_conversation(autojump_clock):
    """Its entry was made by a turn of the conversation before."""
    async with open_world(keys=["a"], on_exhausted="defer") as world:
        world.model.script(fails("quota"))
        await world.say("ada", "go")
        await world.until(seconds=1)
        await world.gateway.reset(1)
        await world.until(minutes=15)
        assert shown(world) == ["go"]
        assert world.db.execute("select session, turn from entry where inbound = 1").fetchone() == (2, 1)
        await world.say("ada", "/resume 1")
        for text in ("two", "/resume 2", "three"):
            await world.say("ada", text)
            await world.settle()
        assert shown(world) == ["go", "three"]
        assert gone(world) == []
        check(world)


async def test_a_message_that_was_dropped_is_not_put_back(autojump_clock):
    """What its writer may not ask is obeyed by nobody."""
    async with open_world() as world:
        await world.say("ada", "hello")
        await world.settle()
        world.db.execute("update entry set session = -1 where inbound = 1")
        world.db.execute("update inbound set outcome = 'dropped' where id = 1")
        await world.say("ada", "more")
        await world.settle()
        assert shown(world) == ["more"]
        assert gone(world) == ["entry 1"]


async def test_what_it_is_found_by_reads_no_whole_table(autojump_clock):
    async with open_world() as world:
        plan = world.db.execute(f"explain query plan {_WHERE_IT_BELONGS}", (1,)).fetchall()
        assert not [step for *_, step in plan if step.startswith("SCAN")]


@pytest.mark.parametrize("session", NOWHERE)
async def test_one_that_stands_nowhere_is_found_before_anybody_speaks_there(autojump_clock, session):
    """By the sweep, which looks every ten minutes; and by the next start."""
    async with open_world() as world:
        for user in ("ada", "bob"):
            await world.say(user, "hello")
            await world.settle()
        world.db.execute(f"update entry set session = {session} where id = 1")
        await world.until(seconds=world.now + SWEPT_S + 60)
        assert gone(world) == ["entry 1"]
        assert world.db.execute("select session from entry where id = 1").fetchone() == (1,)
        world.db.execute(f"update entry set session = {session} where id = 2")
        await crash_and_go_on(world)
        assert gone(world) == ["entry 1", "entry 2"]
        check(world)


async def test_a_verdict_is_of_the_whole_turn(autojump_clock):
    """Its newest entries stand in Bob's conversation: without them it would seem to be idle for two hours."""
    async with open_world(tools=[sender()], options=Gateway(turn_deadline_s=20_000)) as world:
        await world.say("bob", "hello")
        await world.settle()
        world.model.script(tool("sleep", s=7000), tool("send"), hangs())
        await world.say("ada", "go")
        await world.until(seconds=7100)
        world.db.execute("update entry set session = 1 where id >= 5")
        world.crash()
        await world.start()
        assert verdicts(world) == ["resume"]
        await world.settle()
        await world.say("ada", "more")
        await world.settle()
        assert told("send") in shown(world)
        check(world)


async def test_what_stood_nowhere_and_has_no_turn_is_set_aside(autojump_clock):
    """A note for the next turn: nothing says of which conversation."""
    async with open_world() as world:
        await world.say("ada", "hello")
        await world.settle()
        world.db.execute(
            "insert into entry(session, size, source, body, at)"
            " select 99, size, source, body, at from entry where id = 1"
        )
        await crash_and_go_on(world)
        assert gone(world) == ["entry 3"]
        await world.say("ada", "more")
        await world.settle()
        assert shown(world) == ["hello", "more"]
        check(world)


async def test_an_export_has_none_of_another_conversation(autojump_clock):
    async with open_world() as world:
        for user in ("ada", "bob"):
            await world.say(user, f"I am {user}")
            await world.settle()
        world.db.execute("update entry set session = 1 where id = 3")
        tx = SqliteTx(world.db, 0, world.clock.now())
        page = recording.rows(tx, recording.head(tx, 1), "entries")
        assert [b"bob" in bytes(row) for row in page.rows] == [False, False]
