"""A chat shows one "still working" at most, none comes after the answer, and a restart changes nothing."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.commands.new import command as new
from hermes_trio.commands.queue import command as queue
from hermes_trio.commands.steer import command as steer
from hermes_trio.commands.stop import command as stop
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import open_world

COMMANDS = [new, stop, steer, queue]


async def blocks(turn):
    """Ten minutes of work, whatever was before."""
    await trio.sleep(600)
    return f"re: {turn.text}"


def told(world) -> list[tuple[float, str, str | None, str]]:
    """(time, call, which message, text) of everything about progress."""
    began = world.platform.calls[0].at
    return [
        (
            round(call.at - began, 1),
            call.delivery.op,
            call.delivery.message_id,
            call.delivery.part.text if call.delivery.part else "",
        )
        for call in world.platform.calls
        if call.delivery.said == "progress"
    ]


def working(world) -> int:
    """How many "still working" the chat shows now."""
    return sum(seen.said == "progress" for seen in world.platform.seen.values())


async def watch(world, seconds: float) -> None:
    """Let so much time go by, a second at a time, and look at the chat each time."""
    for _ in range(int(seconds)):
        await world.until(seconds=world.now + 1)
        assert working(world) <= 1, world.timeline()


async def test_it_survives_a_restart_as_the_same_message_and_counts_from_the_beginning(autojump_clock):
    async with open_world(blocks) as world:
        await world.say("ada", "work")
        await watch(world, 300)
        world.crash()
        await world.until(seconds=330)
        await world.start()
        await watch(world, 570)
        [message] = [id for id, seen in world.platform.seen.items() if seen.said == "progress"]
        assert [(t - told(world)[0][0], op, id, text) for t, op, id, text in told(world)] == [
            (0, "send", None, "Still working, 3 min"),
            (180, "edit", message, "Still working, 6 min"),
            (360, "edit", message, "Still working, 9 min"),
            (540, "edit", message, "Still working, 12 min"),
        ]
        await world.settle()
        ended = world.now
        assert ended == 930
        assert working(world) == 0
        calls = len(told(world))
        await world.until(seconds=ended + 600)
        assert len(told(world)) == calls
        assert world.platform.texts("ada") == ["re: work"]


async def test_a_restart_around_the_very_call_makes_no_second_message(autojump_clock):
    """What was sent without a receipt cannot be taken away again; but it is not sent twice."""
    for step in range(20):
        async with open_world(blocks, seed=step, commit_s=0.001) as world:
            world.platform.delay_s = 0.004
            await world.say("ada", "work")
            await world.until(seconds=180)
            await trio.sleep(step * 0.001)
            world.crash()
            await world.start()
            await watch(world, 500)
            await world.settle()
            sent = [op for _, op, _, _ in told(world) if op == "send"]
            assert len(sent) <= 1, world.timeline()


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
async def test_messages_that_come_meanwhile_leave_no_second_one(autojump_clock, busy):
    async with open_world(blocks, options=GatewayOptions(busy=busy), commands=COMMANDS) as world:
        await world.say("ada", "one")
        await watch(world, 250)
        for words in ("two", "/queue three", "/steer four", "five"):
            await world.say("ada", words)
            await watch(world, 100)
        while world.gateway.wiring.sessions.live:
            await watch(world, 10)
        await world.settle()
        assert working(world) == 0
        last = max(t for t, op, _, _ in told(world) if op != "delete")
        assert last < world.now
        assert world.platform.texts("ada")[-1].startswith("re: ")


@pytest.mark.parametrize("word", ["/stop", "/new"])
async def test_nor_does_what_ends_the_turn(autojump_clock, word):
    async with open_world(blocks, commands=COMMANDS) as world:
        await world.say("ada", "one")
        await watch(world, 250)
        await world.say("ada", word)
        await watch(world, 2)
        assert working(world) == 0
        await world.say("ada", "two")
        await watch(world, 250)
        assert working(world) == 1


async def test_a_turn_that_is_not_gone_on_with_takes_it_along(autojump_clock):
    async with open_world(blocks) as world:
        await world.say("ada", "one")
        await watch(world, 250)
        world.crash()
        await world.start(resume=False)
        await world.settle()
        assert working(world) == 0
        assert [seen.said for seen in world.shown("ada")] == ["notice"]


async def test_a_wall_clock_that_is_set_does_not_make_it_silent_or_chatty(autojump_clock):
    for by in (-7200, 7200):
        async with open_world(blocks) as world:
            await world.say("ada", "one")
            await world.until(seconds=200)
            world.clock.offset += by
            await world.until(seconds=590)
            assert 2 <= len(told(world)) <= 4, world.timeline()
