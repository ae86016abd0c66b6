"""Slash commands: they never wait for a turn, and stand in the order of arrival."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.testing import hangs, open_world
from hermes_trio.values.actions import Say
from tests.intake.own_commands import ACommand, with_commands
from tests.invariants.at_rest import check

# --- while a turn runs
from tests.scenes import slow


@pytest.mark.parametrize("command", ["/status", "/stop", "/new", "/help", "/nonsense"])
async def test_a_command_is_answered_at_once_while_the_model_hangs(world, command):
    world.model.script(hangs("thinking", between_s=1))
    await world.say("ada", "work")
    await world.until(seconds=60)
    await world.say("ada", command)
    while not world.texts("ada", "reply"):
        await world.platform.changed()
    assert world.now - 60 < 2


async def test_stop_and_new_answer_while_a_tool_refuses_to_die(autojump_clock):
    async def stubborn(turn):
        with trio.CancelScope(shield=True):
            await trio.sleep(99)

    for command in ("/stop", "/new"):
        async with open_world(stubborn) as world:
            await world.say("ada", "work")
            await world.until(seconds=1)
            await world.say("ada", command)
            await world.until(seconds=1.1)
            assert world.texts("ada", "reply") == [{"/stop": "Stopped.", "/new": "New session."}[command]]


# --- /new


@pytest.mark.world(agent=slow)
async def test_new_supersedes_only_what_came_before_it(world):
    for word in ("running", "waiting"):
        await world.say("ada", word)
        await world.until(seconds=world.now + 1)
    world.crash()
    for word in ("late", "/new", "after"):
        await world.say("ada", word)
    await world.start()
    await world.settle()
    assert await world.outcomes() == ["superseded", "superseded", "superseded", "answered", "answered"]
    assert world.texts("ada", "final") == ["re: after"]
    check(world)


async def test_after_new_nothing_of_the_old_session_is_seen(world):
    for word in ("one", "/new", "two"):
        await world.say("ada", word)
        await world.settle()
    assert [entry.text for entry in world.model.requests[-1].entries] == ["two"]


async def test_new_and_the_next_message_in_one_batch(world):
    world.model.script(hangs())
    await world.say("ada", "old")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.say("ada", "fresh")
    await world.settle()
    assert await world.outcomes() == ["superseded", "answered", "answered"]
    assert [entry.text for entry in world.model.requests[-1].entries] == ["fresh"]


async def test_new_with_nothing_before_it(world):
    await world.say("ada", "/new")
    assert await world.reply("ada") == "New session."
    await world.settle()
    check(world)


@pytest.mark.world(agent=slow)
async def test_new_ends_the_session_of_its_own_key_only(world):
    for user in ("ada", "bob"):
        await world.say(user, "work")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.settle()
    assert world.texts("bob", "final") == ["re: work"]


# --- /stop


@pytest.mark.world(agent=slow)
async def test_stop_keeps_what_waits_and_counts_it(world):
    for word in ("one", "two", "three"):
        await world.say("ada", word)
        await world.until(seconds=world.now + 1)
    await world.say("ada", "/stop")
    await world.settle()
    assert world.texts("ada", "reply") == ["Stopped. 2 messages are still to come."]
    assert await world.outcomes() == ["stopped", "answered", "answered", "answered"]
    assert world.texts("ada", "final") == ["re: two + three"]
    check(world)


async def test_stop_with_nothing_running_says_so(world):
    await world.say("ada", "/stop")
    assert await world.reply("ada") == "Nothing is running."


@pytest.mark.world(agent=slow)
async def test_stop_twice_stops_two_turns(world):
    for word in ("one", "two"):
        await world.say("ada", word)
        await world.until(seconds=world.now + 1)
    await world.say("ada", "/stop")
    await world.until(seconds=world.now + 1)
    await world.say("ada", "/stop")
    await world.settle()
    assert world.texts("ada", "reply") == ["Stopped. 1 message is still to come.", "Stopped."]
    assert await world.outcomes() == ["stopped", "stopped", "answered", "answered"]
    check(world)


async def slow_command(call):
    await trio.sleep(5)
    return Say("slow is done")


# --- order


@with_commands(ACommand("slow", slow_command))
async def test_nothing_behind_an_unsettled_command_is_claimed(world):
    await world.say("ada", "before")
    await world.say("ada", "/slow")
    await world.say("ada", "behind")
    await world.until(seconds=4)
    assert world.texts("ada", "final") == ["you said: before"]
    await world.settle()
    assert world.texts("ada", "final") == ["you said: before", "you said: behind"]
    assert world.now == 5
    check(world)


@with_commands(ACommand("slow", slow_command))
async def test_commands_of_a_key_run_in_order_and_those_of_others_beside(world):
    await world.say("ada", "/slow")
    await world.say("ada", "/stop")
    await world.say("bob", "/stop")
    await world.settle()
    assert world.texts("ada", "reply") == ["slow is done", "Nothing is running."]
    bob = next(call for call in world.platform.calls if call.delivery.address.chat == "bob")
    assert bob.at == 0
