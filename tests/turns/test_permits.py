"""A place for each turn, first come first served; and sessions with nothing to do."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import hangs, text
from hermes_trio.values.identity import ConversationKey
from tests.scenes import echo, slow

# --- turns_max


@pytest.mark.world(agent=slow, options=GatewayOptions(turns_max=2))
async def test_past_turns_max_sessions_wait_first_come_first_served(world):
    for n in range(5):
        await world.say(f"user{n}", "hello")
        await world.until(seconds=world.now + 0.1)
    await world.settle()
    at = [
        next(
            round(call.at, 3)
            for call in world.platform.calls
            if call.delivery.address.chat == f"user{n}" and call.delivery.op == "send"
        )
        for n in range(5)
    ]
    assert at == [10, 10.1, 20, 20.1, 30]


@pytest.mark.world(agent=slow, options=GatewayOptions(turns_max=1))
async def test_a_session_that_waits_for_its_place_has_claimed_nothing(world):
    await world.say("ada", "one")
    await world.until(seconds=0.1)
    await world.say("bob", "one")
    await world.until(seconds=1)
    await world.say("bob", "two")
    await world.settle()
    assert world.texts("bob", "final") == ["re: one + two"]


@pytest.mark.world(agent=slow, options=GatewayOptions(turns_max=1))
async def test_commands_never_wait_for_a_place_and_status_shows_it(world):
    for user in ("ada", "bob", "eve"):
        await world.say(user, "hello")
        await world.until(seconds=world.now + 0.1)
    await world.say("eve", "/status")
    assert "Waiting for a place among the turns that run: 2 in line." in await world.reply("eve")
    assert world.now < 1
    await world.say("ada", "/status")
    assert "in line" not in await world.reply("ada")


@pytest.mark.world(agent=slow)
async def test_who_has_a_place_at_once_is_in_no_line_at_no_moment(world):
    await world.say("ada", "hello")
    shown = []
    while not world.gateway.wiring.turns.limiter.held:
        await trio.lowlevel.checkpoint()
        shown += world.gateway.wiring.status_lines(ConversationKey("memory", "main", "ada"))
    assert shown
    assert not [line for line in shown if "in line" in line]


async def waits(turn):
    if turn.text == "sleep":
        await turn.sleep(100)
    elif turn.text == "ask":
        return await turn.ask("what?")
    else:
        await trio.sleep(10)
    return "done"


@pytest.mark.world(agent=waits, options=GatewayOptions(turns_max=1))
async def test_a_turn_that_sleeps_or_asks_holds_no_place(world):
    await world.say("ada", "sleep")
    await world.until(seconds=0.1)
    await world.say("bob", "ask")
    await world.until(seconds=0.2)
    await world.say("eve", "work")
    await world.until(seconds=11)
    assert world.texts("eve", "final") == ["done"]
    await world.say("bob", "this")
    await world.until(seconds=12)
    assert world.texts("bob", "final") == ["this"]
    await world.settle()
    assert world.now == 100
    assert world.gateway.wiring.turns.limiter.held == 0


@pytest.mark.world(options=GatewayOptions(turns_max=1))
async def test_a_place_is_free_again_after_every_kind_of_end(world):
    world.model.script(hangs())
    await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "/stop")
    await world.settle()
    world.model.script(hangs())
    await world.say("ada", "two")
    await world.until(seconds=2)
    await world.say("ada", "/new")
    await world.settle()
    await world.say("bob", "hello")
    await world.settle()
    assert world.texts("bob", "final") == ["you said: hello"]
    assert world.gateway.wiring.turns.limiter.held == 0


# --- nothing to do


@pytest.mark.world(agent=echo)
async def test_a_task_that_is_woken_with_nothing_waiting_starts_no_turn_and_leaves(world):
    await world.say("ada", "/status")
    await world.settle()
    assert world.db.execute("select count(*) from turn").fetchone() == (0,)
    assert not world.gateway.wiring.sessions.live


@pytest.mark.world(agent=echo)
async def test_idle_sessions_have_no_task(world):
    for n in range(100):
        await world.say(f"user{n}", "hello")
    await world.settle()
    assert not world.gateway.wiring.sessions.live
    assert not world.gateway.wiring.lanes.live
    names = {task.name for task in _tasks(trio.lowlevel.current_root_task())}
    assert not [name for name in names if name.startswith(("session", "lane", "commands"))]


def _tasks(task):
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from _tasks(child)


@pytest.mark.world(options=GatewayOptions(turns_max=1))
async def test_who_has_only_sent_a_command_stands_in_no_line(world):
    world.model.script(text("done", after_s=1000))
    await world.say("ada", "hello")
    await world.until(seconds=1)
    for user in ("bob", "cyd", "dan"):
        await world.say(user, "/help")
        await world.reply(user)
    await world.say("dan", "/status")
    assert "in line" not in await world.reply("dan")
    await world.say("eve", "a question")
    await world.until(seconds=2)
    await world.say("eve", "/status")
    assert "Waiting for a place among the turns that run: 1 in line." in await world.reply("eve")
    assert len(world.gateway.wiring.sessions.live) == 2
    await world.settle()
    assert world.texts("eve", "final") == ["you said: a question"]
