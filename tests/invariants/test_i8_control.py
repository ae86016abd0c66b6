"""I8: /status and /stop are answered, committed and first in their lane, within 2 s, whatever a turn does.

They are sent at once where the platform imposes no wait.
"""

from __future__ import annotations

import threading

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, hangs, open_world, text, tool
from hermes_trio.text import sentences

WITHIN_S = 2.0


async def hangs_for_ever(turn):
    await trio.sleep_forever()


async def refuses_to_leave(turn):
    with trio.CancelScope(shield=True):
        await trio.sleep(3600)


async def asks(turn):
    return await turn.ask("which?", choices=["this", "that"])


async def sleeps(turn):
    await turn.sleep(3600)


async def streams(turn):
    while True:
        turn.stream("more and more ")
        await trio.sleep(0.01)


async def says_and_says(turn):
    while True:
        await turn.say("still here")
        await trio.sleep(0.05)


async def steps(turn):
    while True:
        await turn.step("busy", nothing, idempotent=True)


async def nothing():
    await trio.sleep(0.01)


DOINGS = [hangs_for_ever, refuses_to_leave, asks, sleeps, streams, says_and_says, steps]


async def answered(world, chat: str, command: str) -> str:
    """What the command is answered, which is committed, and first in its lane, within two seconds."""
    began = trio.current_time()
    seen = len(world.platform.calls)
    await world.say(chat, command)
    with trio.fail_after(WITHIN_S):
        while not (told := [call for call in world.platform.calls[seen:] if call.delivery.said == "reply"]):
            await world.platform.changed()
    assert told[0].at - began <= WITHIN_S
    return told[0].delivery.part.text


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
@pytest.mark.parametrize("doing", DOINGS)
async def test_whatever_its_own_turn_does_and_the_next_message_is_answered(autojump_clock, doing, busy):
    async def agent(turn):
        return await doing(turn) if turn.text == "one" else f"re: {turn.text}"

    async with open_world(agent, options=GatewayOptions(busy=busy)) as world:
        await world.say("ada", "one")
        await world.until(seconds=5)
        assert "1 of at most" in await answered(world, "ada", "/status") or doing in (asks, sleeps)
        assert (await answered(world, "ada", "/stop")).startswith(sentences.STOPPED)
        assert "up" in (await answered(world, "ada", "/status")).lower()
        await world.until(seconds=10)
        await world.say("ada", "and now?")
        await world.until(seconds=15)
        assert world.shown("ada")[-1].text == "re: and now?"
        assert world.gateway.wiring.turns.limiter.held == 0
        assert not world.gateway.wiring.sessions.live


async def test_whatever_a_tool_does_and_whatever_the_model_does(autojump_clock):
    for script in ((hangs(),), (tool("sleep", s=3600),), (hangs(*["x"] * 100, between_s=0.1),)):
        async with open_world() as world:
            world.model.script(*script)
            await world.say("ada", "one")
            await world.until(seconds=5)
            await answered(world, "ada", "/status")
            assert (await answered(world, "ada", "/stop")).startswith(sentences.STOPPED)


async def test_while_a_thread_of_the_turn_blocks(autojump_clock):
    release = threading.Event()

    async def blocks(turn):
        await trio.to_thread.run_sync(release.wait)

    async with open_world(blocks) as world:
        try:
            await world.say("ada", "one")
            await world.until(seconds=5)
            await answered(world, "ada", "/status")
            assert (await answered(world, "ada", "/stop")).startswith(sentences.STOPPED)
            await world.until(seconds=10)
            assert world.gateway.wiring.turns.limiter.held == 0
        finally:
            release.set()
        await world.gateway.wiring.sessions.empty()


async def test_while_every_place_is_taken_and_many_wait(autojump_clock):
    async with open_world(steps, options=GatewayOptions(turns_max=20), commit_s=0.001) as world:
        for n in range(100):
            world.platform.push(world.platform.message(f"u{n}", "one"))
        await world.until(seconds=0.2)
        for chat in ("u0", "u19", "u99", "somebody new"):
            await answered(world, chat, "/status")
            await answered(world, chat, "/stop")


async def test_between_the_parts_of_a_long_answer(autojump_clock):
    async with open_world(platform=MemoryPlatform(delay_s=1.0)) as world:
        world.model.script(text("x" * 40_000))
        await world.say("ada", "one")
        await world.until(seconds=3.5)
        await answered(world, "ada", "/status")
        parts = [seen.said for seen in world.shown("ada")]
        assert 2 <= parts.index("reply") <= 5
        await world.settle()
        assert [seen.said for seen in world.shown("ada")].count("final") >= 10


async def test_while_a_send_hangs_they_are_committed_and_the_first_to_be_said_after_it(autojump_clock):
    async with open_world() as world:
        world.model.script(text("x" * 40_000))
        world.platform.fault("hang")
        await world.say("ada", "one")
        await world.until(seconds=5)
        await world.say("ada", "/status")
        await world.until(seconds=5 + WITHIN_S)
        first = "select said from outbound where state = 'owed' order by rank, id limit 1"
        assert world.db.execute(first).fetchone() == ("reply",)
        await world.settle()
        assert [seen.said for seen in world.shown("ada")][1] == "reply"
