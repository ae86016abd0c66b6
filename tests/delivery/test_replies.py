"""Where an answer goes, and which message it visibly answers; several gateways beside one another."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.identity import Policy
from tests.invariants.at_rest import check
from tests.scenes import slow


async def long(turn):
    await trio.sleep(10)
    return "word " * 2000


GROUP = {"chat": "group", "group": True}


def anchors(world, chat="ada") -> list[str | None]:
    return [seen.reply_to for seen in world.shown(chat) if seen.said == "final"]


@pytest.mark.world(agent=slow)
async def test_where_nothing_else_waits_an_answer_replies_to_nothing(world):
    await world.say("ada", "hello")
    await world.settle()
    assert anchors(world) == [None]


@pytest.mark.world(agent=slow)
async def test_where_more_waits_an_answer_replies_to_its_message(world):
    first = await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "/queue two")
    await world.settle()
    assert anchors(world) == [first.message_id, None]


@pytest.mark.world(agent=long)
async def test_in_a_group_the_first_part_always_replies(world):
    first = await world.say("ada", "one", **GROUP)
    await world.settle()
    assert anchors(world, "group") == [first.message_id, None, None]


@pytest.mark.world(agent=slow)
async def test_a_resumed_answer_always_replies(world):
    first = await world.say("ada", "one")
    await world.until(seconds=1)
    world.crash()
    await world.start()
    await world.settle()
    assert anchors(world) == [first.message_id]


@pytest.mark.parametrize(("rule", "parts"), [("off", 0), ("first", 1), ("all", 3)])
async def test_reply_to_is_the_policy(autojump_clock, rule, parts):
    policy = Policy(allow_users=("*",), reply_to=rule)
    async with open_world(long, platform=MemoryPlatform(policy=policy)) as world:
        first = await world.say("ada", "one", **GROUP)
        await world.settle()
        assert anchors(world, "group") == [first.message_id] * parts + [None] * (3 - parts)


async def talkative(turn):
    await turn.say("interim")
    await turn.ask("Which?", choices=["a"])
    return "final"


@pytest.mark.world(agent=talkative)
async def test_everything_a_turn_says_goes_to_the_thread_it_came_from(world):
    await world.say("ada", "go", chat="forum", thread="7")
    await world.until(seconds=10)
    await world.say("ada", "a", chat="forum", thread="7")
    await world.settle()
    assert world.texts("forum", thread="7") == ["interim", "Which?", "final"]
    addresses = {(call.delivery.address.chat, call.delivery.address.thread) for call in world.platform.calls}
    assert addresses == {("forum", "7")}


async def test_gateways_in_one_process_do_not_know_one_another(autojump_clock):
    async with open_world(slow) as one, open_world(slow) as two:
        await one.say("ada", "one")
        await two.say("ada", "two")
        await one.until(seconds=5)
        one.crash()
        await two.settle()
        assert two.texts("ada") == ["re: two"]
        await one.start()
        await one.settle()
        assert one.texts("ada") == ["re: one"]
        check(one)
        check(two)
