"""A row that cannot be read costs what it is, never its conversation or its chat."""

import pytest
import trio

from hermes_trio.pure import texts
from hermes_trio.testing import open_world

from .invariants import check


async def echo(turn):
    return "re: " + " + ".join(message.text for message in turn.messages)


async def remembers(turn):
    return f"I know {len(await turn.history())} entries"


async def slow(turn):
    await trio.sleep(10)
    return "re: " + turn.text


def finals(world, chat="ada"):
    return [seen.text for seen in world.shown(chat) if seen.said == "final"]


def notices(world, chat="ada"):
    return [seen.text for seen in world.shown(chat) if seen.said in ("notice", "reply")]


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
    assert notices(world) == [texts.MESSAGE_FAILED]
    assert finals(world) == ["re: one", "re: two\nfour"]
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
    assert finals(world)[-1] == "re: three"
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
    assert notices(world) == [texts.failed(1)]
    assert finals(world) == ["re: two"]
    check(world)


@pytest.mark.parametrize("history", [True, False])
async def test_an_entry_that_cannot_be_read_is_set_aside_and_costs_no_message(autojump_clock, history):
    async with open_world() as world:
        await world.say("ada", "one")
        await world.settle()
        ruin(world, "entry", "body", "id = 1")
        await world.say("ada", "two")
        await world.settle()
        assert await world.outcomes() == ["answered", "answered"]
        assert finals(world) == ["you said: one", "you said: two"]
        assert [line["what"] for line in world.lines("out of the way")] == ["entry 1"]
        assert world.db.execute("select body from entry where session = 0").fetchall() == [("rubbish",)]
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
    assert texts.COMMAND_FAILED in notices(world)
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
    assert finals(world) == ["re: two"]
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
    world.db.execute("pragma query_only = on")
    await world.until(minutes=10)
    world.db.execute("pragma query_only = off")
    await world.until(minutes=12)
    assert finals(world) == ["re: zero", "re: one"]
    assert world.lines("out of the way") == []
