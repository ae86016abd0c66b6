"""Turns that are cut: from outside, from inside, and those that refuse to leave."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import StaleTurn
from hermes_trio.testing import open_world
from tests.invariants.at_rest import check
from tests.scenes import ends


async def refuses_to_die(turn):
    if turn.text == "hang":
        with trio.move_on_after(120, shield=True):
            await trio.sleep(99)
            for verb in (turn.say, turn.ask, turn.reset):
                with pytest.raises(StaleTurn):
                    await verb("I am late")
        return "late"
    return f"re: {turn.text}"


# --- cut from outside


@pytest.mark.parametrize("command", ["/new", "/stop"])
async def test_a_turn_that_refuses_to_die_is_left_behind_after_two_seconds_and_writes_nothing(
    autojump_clock, command
):
    async with open_world(refuses_to_die, options=GatewayOptions(turns_max=1)) as world:
        await world.say("ada", "hang")
        await world.until(seconds=1)
        await world.say("ada", command)
        await world.say("ada", "hello")
        await world.until(seconds=90)
        final = next(
            call
            for call in world.platform.calls
            if call.delivery.said == "final" and call.shown and call.delivery.op == "send"
        )
        assert final.at == pytest.approx(3.0)
        assert world.texts("ada", "final") == ["re: hello"]
        assert len(world.lines("left behind")) == 1
        assert "turn" in world.lines("left behind")[0]["tasks"] or world.lines("left behind")[0]["tasks"]
        await world.say("bob", "hello")
        assert await world.reply("bob") == "re: hello"
        before = world.db.execute("select * from entry").fetchall(), world.shown("ada")
        await world.until(seconds=200)
        assert (world.db.execute("select * from entry").fetchall(), world.shown("ada")) == before
        sessions = world.db.execute("select count(*) from session where key like '%ada%'").fetchone()
        assert sessions == ({"/new": 2, "/stop": 1}[command],)
        check(world)


@pytest.mark.world(agent=refuses_to_die, options=GatewayOptions(busy="interrupt"))
async def test_a_turn_that_refuses_to_be_interrupted_is_left_behind_too(world):
    await world.say("ada", "hang")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.say("ada", "hello")
    await world.until(seconds=10)
    assert world.texts("ada", "final") == ["re: hello"]


async def test_what_a_cut_turn_returns_is_not_said(autojump_clock):
    async def agent(turn):
        try:
            await trio.sleep_forever()
        finally:
            return "too late"  # noqa: B012

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.until(seconds=1)
        await world.say("ada", "/stop")
        await world.settle()
        assert world.texts("ada", "final") == []
        assert await ends(world) == [("stopped", "asked"), ("answered", "asked")]
        check(world)


async def test_an_error_while_being_cut_is_no_failure(autojump_clock):
    async def agent(turn):
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError("in the cleanup")

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.until(seconds=1)
        await world.say("ada", "/stop")
        await world.settle()
        assert world.texts("ada", "notice") == []
        assert await ends(world) == [("stopped", "asked"), ("answered", "asked")]


async def resets(turn):
    if turn.text == "enough":
        await turn.say("Starting over.")
        await turn.reset("the agent had enough")
        raise AssertionError("reset returned")
    return f"re: {turn.text}, after {len(await turn.history())}"


# --- reset from inside


@pytest.mark.world(agent=resets, commit_s=0.001)
async def test_a_turn_can_reset_its_own_session(world):
    await world.say("ada", "one")
    await world.settle()
    await world.say("ada", "enough")
    await world.say("ada", "/queue two")
    await world.settle()
    assert world.texts("ada") == [
        "re: one, after 0",
        "Starting over.",
        "re: two, after 0",
    ]
    assert await ends(world) == [
        ("answered", ""),
        ("superseded", "the agent had enough"),
        ("answered", ""),
    ]
    assert world.db.execute("select state from turn order by id").fetchall() == [
        ("finished",),
        ("reset",),
        ("finished",),
    ]
    assert not world.lines("left behind")
    check(world)
