"""A row that cannot be read costs what it is, never its conversation or its chat."""

import pytest

from hermes_trio.config.options import Gateway
from hermes_trio.testing import fails, hangs, open_world
from hermes_trio.text import sentences
from hermes_trio.values.actions import Prompt, Reset, Restart, Resume, Say, Stop
from hermes_trio.values.transcript import UserEntry
from tests.intake.own_commands import ACommand
from tests.invariants.at_rest import check
from tests.scenes import crash_and_go_on, echo, slow


async def remembers(turn):
    return f"I know {len(await turn.history())} entries"


def ruin(world, table, column, where):
    world.db.execute(f"update {table} set {column} = 'rubbish' where {where}")


@pytest.mark.world(agent=slow)
async def test_a_message_that_cannot_be_read_fails_with_one_sentence_and_the_next_is_answered(world):
    await world.say("ada", "one")
    for second, text in ((1, "two"), (2, "three"), (3, "four")):
        await world.until(seconds=second)
        await world.say("ada", text)
    await world.until(seconds=5)
    ruin(world, "inbound", "body", "id = 3")
    await world.settle()
    assert await world.outcomes() == ["answered", "answered", "failed", "answered"]
    assert (await world.ledger())[2].reason == "unreadable"
    assert world.texts("ada", "notice", "reply") == [sentences.MESSAGE_FAILED]
    assert world.texts("ada", "final") == ["re: one", "re: two + four"]
    assert world.now < 21
    assert [line["what"] for line in world.lines("out of the way")] == ["message 3"]
    check(world)


@pytest.mark.world(agent=echo)
async def test_also_one_that_is_found_at_a_start(world):
    world.crash()
    for text in ("one", "two"):
        await world.say("ada", text)
    await world.start()
    await world.settle()
    world.crash()
    await world.say("ada", "three")
    world.db.execute("update inbound set outcome = null, state = 'waiting', turn = null, body = '{'")
    await world.start()
    await world.settle()
    assert world.texts("ada", "final")[-1] == "re: three"
    assert await world.outcomes() == ["failed", "failed", "answered"]


@pytest.mark.world(agent=slow)
async def test_a_turn_that_cannot_be_taken_up_again_fails(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    world.crash()
    ruin(world, "inbound", "body", "id = 1")
    await world.start()
    await world.say("ada", "two")
    await world.settle()
    assert await world.outcomes() == ["failed", "answered"]
    assert world.texts("ada", "notice", "reply") == [sentences.MESSAGE_FAILED]
    assert [line["what"] for line in world.lines("out of the way")] == ["turn 1"]
    assert world.texts("ada", "final") == ["re: two"]
    check(world)


async def test_an_entry_that_cannot_be_read_is_set_aside_and_costs_no_message(world):
    await world.say("ada", "one")
    await world.settle()
    ruin(world, "entry", "body", "id = 2")
    await world.say("ada", "two")
    await world.settle()
    assert await world.outcomes() == ["answered", "answered"]
    assert world.texts("ada", "final") == ["you said: one", "you said: two"]
    assert [line["what"] for line in world.lines("out of the way")] == ["entry 2"]
    assert world.db.execute("select body from entry where session = 0").fetchall() == [("rubbish",)]
    assert told(world) == ["one", "two"]
    check(world)


def told(world):
    """What people said of that which the model was shown last."""
    return [entry.text for entry in world.model.requests[-1].entries if isinstance(entry, UserEntry)]


RUBBISH = [("body", "'rubbish'"), ("body", "x'00'"), ("size", "'much'"), ("size", "x'00'")]


@pytest.mark.parametrize(("column", "value"), RUBBISH)
async def test_the_entry_of_a_message_is_written_anew_from_its_message(autojump_clock, column, value):
    async with open_world() as world:
        await world.say("ada", "one")
        await world.settle()
        world.db.execute(f"update entry set {column} = {value} where id = 1")
        await world.say("ada", "two")
        await world.settle()
        assert told(world) == ["one", "two"]
        assert [line["what"] for line in world.lines("out of the way")] == ["entry 1"]
        await world.say("ada", "three")
        await world.settle()
        assert told(world) == ["one", "two", "three"]
        assert len(world.lines("out of the way")) == 1
        check(world)


EVERYWHERE = [*RUBBISH, ("session", "0"), ("session", "'none'"), ("session", "1000")]


@pytest.mark.parametrize("crash", [True, False])
@pytest.mark.parametrize(("column", "value"), EVERYWHERE)
async def test_a_message_that_was_kept_is_asked_about_whatever_became_of_its_entry(
    autojump_clock, column, value, crash
):
    async with open_world(keys=["a"], on_exhausted="defer") as world:
        await world.say("ada", "one")
        await world.settle()
        world.model.refuse("a", line=fails("quota"))
        await world.say("ada", "two")
        await world.until(seconds=100)
        world.db.execute(f"update entry set {column} = {value} where inbound = 2")
        world.model.heal()
        if crash:
            await crash_and_go_on(world)
        await world.until(minutes=5)
        assert world.texts("ada", "final") == ["you said: one", "you said: two"]
        await world.say("ada", "three")
        await world.settle()
        assert told(world) == ["one", "two", "three"]
        check(world)


@pytest.mark.parametrize(("column", "value"), EVERYWHERE)
async def test_a_turn_that_goes_on_asks_about_its_message_and_so_does_the_next(autojump_clock, column, value):
    async with open_world() as world:
        world.model.script(hangs())
        await world.say("ada", "one")
        await world.until(seconds=1)
        world.crash()
        world.db.execute(f"update entry set {column} = {value}")
        await world.start()
        await world.settle()
        assert told(world) == ["one"]
        await world.say("ada", "two")
        await world.settle()
        assert told(world) == ["one", "two"]
        check(world)


@pytest.mark.parametrize(("column", "value"), EVERYWHERE)
async def test_so_does_a_turn_that_was_given_the_messages_of_an_interrupted_one(
    autojump_clock, column, value
):
    async with open_world(options=Gateway(busy="interrupt")) as world:
        world.model.script(hangs(), hangs())
        await world.say("ada", "one")
        await world.until(seconds=1)
        await world.say("ada", "two")
        await world.until(seconds=2)
        world.crash()
        world.db.execute(f"update entry set {column} = {value} where inbound = 1")
        await world.start()
        await world.settle()
        assert sorted(told(world)) == ["one", "two"]
        await world.say("ada", "three")
        await world.settle()
        assert sorted(told(world)) == ["one", "three", "two"]
        check(world)


@pytest.mark.world(agent=echo)
async def test_a_command_that_cannot_be_read_fails_and_what_waits_behind_it_is_answered(world):
    world.crash()
    for text in ("/status", "two", "/new", "three"):
        await world.say("ada", text)
    await world.start()
    await world.settle()
    world.crash()
    world.db.execute("update inbound set outcome = null, state = 'waiting', turn = null")
    ruin(world, "inbound", "body", "id = 1")
    await world.start()
    await world.settle()
    assert [row.outcome for row in await world.ledger()] == ["failed", "superseded", "answered", "answered"]
    assert sentences.COMMAND_FAILED in world.texts("ada", "notice", "reply")
    check(world)


@pytest.mark.parametrize("asked", [Stop(), Reset("/new"), Resume(), Restart(), Prompt("go"), Say("said")])
async def test_a_command_whose_row_is_spoilt_while_it_is_run_fails_and_does_nothing(autojump_clock, asked):
    async def run(call):
        ruin(world, "inbound", "body", "native = 'in2'")
        return asked

    async with open_world(slow, commands=[ACommand("do", run)]) as world:
        await world.say("ada", "one")
        await world.until(seconds=1)
        await world.say("ada", "/do")
        await world.settle()
        assert await world.outcomes() == ["answered", "failed"]
        assert world.texts("ada") == [sentences.COMMAND_FAILED, "re: one"]
        assert world.restarts_asked == []
        assert [*world.lines("stop"), *world.lines("reset"), *world.lines("restart")] == []
        assert world.lines("worker failed") == []
        check(world)


@pytest.mark.world(agent=echo)
async def test_a_part_that_cannot_be_read_is_given_up_and_the_next_is_said(world):
    world.platform.connected = False
    for text in ("one", "two"):
        await world.say("ada", text)
        await world.until(seconds=world.now + 1)
    ruin(world, "outbound", "part", "id = 1")
    world.platform.connected = True
    await world.settle()
    assert world.texts("ada", "final") == ["re: two"]
    assert world.db.execute("select state, why from outbound where id = 1").fetchone() == (
        "failed",
        "undeliverable",
    )
    check(world)


@pytest.mark.world(agent=echo)
async def test_a_store_that_fails_for_long_fails_no_message(world):
    await world.say("ada", "zero")
    await world.settle()
    await world.say("ada", "one")
    world.disk.full = True
    await world.until(minutes=10)
    world.disk.full = False
    await world.until(minutes=12)
    assert world.texts("ada", "final") == ["re: zero", "re: one"]
    assert world.lines("out of the way") == []


# --- at a start


JUNK = [b"\xff\xfe", '{"not json', "[1,2]", ""]


async def begun(world):
    """Ada's turn runs and one more waits, an answer to Cyd is owed, Bob's turn runs; then the power goes."""
    await world.say("ada", "one")
    await world.until(seconds=0.5)
    await world.say("bob", "one")
    await world.until(seconds=1)
    await world.say("ada", "two")
    await world.until(seconds=1.5)
    world.platform.connected = False
    await world.say("cyd", "/status")
    await world.until(seconds=2)
    world.crash()
    world.platform.connected = True


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize(
    ("table", "column", "where", "lost"),
    [
        ("turn", "key", "id = 1", ["turn 1"]),
        ("turn", "address", "id = 1", ["turn 1"]),
        ("inbound", "key", "id = 3", ["message 3"]),
        ("inbound", "key", "id = 1", ["turn 1"]),
        ("inbound", "key", "id in (1, 3)", ["message 3", "turn 1"]),
        ("outbound", "lane", "said = 'reply'", ["part 2"]),
        ("entry", "body", "turn = 1", []),
        ("session", "key", "id = 1", ["turn 1"]),
        ("process", "key", "id = 1", ["process 1"]),
    ],
)
@pytest.mark.world(agent=slow)
async def test_what_says_no_more_whose_it_is_costs_itself_and_no_start(
    world, table, column, where, lost, junk
):
    await begun(world)
    world.db.execute(
        "insert into process(session, turn, boot, key, address, command, foreground, keep, notify, at)"
        """ select session, id, boot, key, address, 'make', 0, 0, 1, opened_at from turn where id = 1"""
    )
    world.db.execute(f"update {table} set {column} = ? where {where}", (junk,))
    await world.start()
    await world.settle()
    assert world.texts("bob", "final") == ["re: one"]
    assert sorted(line["what"] for line in world.lines("out of the way") if line["kind"] == "start") == lost
    ledger = await world.ledger()
    assert all(row.outcome is not None for row in ledger)
    failed = [row.id for row in ledger if row.reason == "unreadable"]
    assert failed == ([1] if "turn 1" in lost else []) + ([3] if "message 3" in lost else [])
    assert world.texts("ada", "notice", "reply").count(sentences.MESSAGE_FAILED) == len(failed)
    lines = [(line["native"], line["why"]) for line in world.lines("message failed")]
    assert lines == [(row.native, "unreadable") for row in ledger if row.id in failed]
    given_up = [f"part {line['row']}" for line in world.lines("send given up")]
    assert given_up == [one for one in lost if one.startswith("part")]
    await world.gateway.status()
    await world.gateway.session_views(ended=True)
    for user in ("ada", "bob", "cyd"):
        await world.say(user, "hello")
    await world.settle()
    assert [world.texts(user, "final")[-1] for user in ("ada", "bob", "cyd")] == ["re: hello"] * 3


@pytest.mark.parametrize("column", ["key", "state"])
@pytest.mark.world(agent=slow)
async def test_a_message_that_nothing_meets_any_more_fails_within_hours(world, column):
    await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "two")
    await world.until(seconds=2)
    ruin(world, "inbound", column, "id = 2")
    await world.until(hours=6, seconds=1)
    assert await world.outcomes() == ["answered", "failed"]
    assert world.texts("ada", "notice", "reply") == [sentences.MESSAGE_FAILED]
    assert [line["what"] for line in world.lines("out of the way")] == ["message 2"]
    check(world)


@pytest.mark.parametrize("crash", [True, False])
async def test_an_answer_of_which_nobody_knows_whether_it_was_said_is_told_of(autojump_clock, crash):
    async with open_world() as world:
        await world.say("ada", "one")
        await world.settle()
        world.db.execute("update outbound set state = 'rubbish', sent_at = null where said = 'final'")
        if crash:
            await crash_and_go_on(world)
        await world.until(hours=6, seconds=30)
        assert world.texts("ada") == ["you said: one", sentences.COULD_NOT_BE_SAID]
        assert [line["what"] for line in world.lines("out of the way")] == ["part 1"]
        check(world)


async def test_an_answer_that_was_said_is_said_whatever_its_row_says_now(world):
    await world.say("ada", "one")
    await world.settle()
    ruin(world, "outbound", "state", "said = 'final'")
    await world.until(hours=6, seconds=30)
    assert world.texts("ada") == ["you said: one"]
    assert world.db.execute("select state from outbound where said = 'final'").fetchall() == [("sent",)]
    assert len(world.lines("out of the way")) == 1
    check(world)


@pytest.mark.parametrize(("column", "value"), EVERYWHERE)
async def test_a_message_behind_a_note_of_what_was_cut_short_is_asked_about_whatever_became_of_its_entry(
    autojump_clock, column, value
):
    async with open_world() as world:
        world.model.script(hangs(), hangs())
        await world.say("ada", "one")
        await world.until(seconds=1)
        world.crash()
        await world.until(hours=3)
        await world.start()
        await world.settle()
        await world.say("ada", "two")
        await world.until(seconds=world.now + 1)
        world.crash()
        world.db.execute(f"update entry set {column} = {value} where inbound = 2")
        await world.start()
        await world.settle()
        assert await world.outcomes() == ["failed", "answered"]
        assert world.texts("ada", "final") == ["you said: two"]
        check(world)


@pytest.mark.parametrize("crash", [True, False])
async def test_what_its_writer_was_told_to_send_again_is_asked_about_no_more(autojump_clock, crash):
    """A turn that gave it back had put its words into the conversation."""
    async with open_world(keys=["a"], on_exhausted="defer") as world:
        world.model.refuse("a", line=fails("quota"))
        await world.say("ada", "one")
        await world.say("ada", "two")
        await world.until(seconds=100)
        assert told(world) == ["one", "two"]
        ruin(world, "inbound", "body", "id = 2")
        world.model.heal()
        if crash:
            await crash_and_go_on(world)
        await world.until(minutes=15)
        assert await world.outcomes() == ["answered", "failed"]
        assert world.texts("ada", "final") == ["you said: one"]
        assert sentences.MESSAGE_FAILED in world.texts("ada", "notice")
        await world.say("ada", "two")
        await world.settle()
        assert told(world) == ["one", "two"]
        check(world)
