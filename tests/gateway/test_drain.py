"""A drain is politeness: what was promised is durable before it, and a SIGKILL at any point costs nothing."""

from contextlib import suppress

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import hangs, open_world, text
from hermes_trio.text import sentences
from hermes_trio.values.transcript import AssistantEntry, UserEntry
from tests.invariants.at_rest import check

RUNNING = ("ada", "bob", "cy")
IDLE = ("dee", "eve", "flo", "gus", "hal")
HOURS_S = 5 * 3600.0
POINTS = (
    *(0.0, 0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02),  # around the checkpoint
    *(0.5, 3.0, 6.0, 9.0, 9.999),  # in the wait
    *(10.001, 10.002, 10.004, 10.006, 10.01, 10.02, 10.05),  # leaving, flushing, the last commit
)


def conversation(request):
    """What a model call was shown: who said what."""
    return [one.text for one in request.entries if isinstance(one, UserEntry | AssistantEntry)]


async def talk_hours_ago(world):
    """Everybody has a conversation, and the last anybody did is hours old."""
    world.clock.offset = -HOURS_S
    for user in (*RUNNING, *IDLE):
        await world.say(user, f"old {user}")
    await world.settle()
    world.clock.offset = 0.0


def old(user):
    return [f"old {user}", f"you said: old {user}"]


@pytest.mark.parametrize("after_s", POINTS)
async def test_a_kill_at_any_point_of_a_drain_costs_no_conversation_its_history(autojump_clock, after_s):
    options = GatewayOptions(drain_timeout_s=10.0)
    async with open_world(seed=int(after_s * 1000), options=options, commit_s=0.003) as world:
        await talk_hours_ago(world)
        world.model.script(hangs(), hangs(), hangs())
        for user in RUNNING:
            await world.say(user, f"work {user}")
        await trio.sleep(5)
        with trio.move_on_after(after_s):
            await world.stop()
        with suppress(RuntimeError):  # its end was sooner
            world.crash()
        asked = len(world.model.requests)
        await world.start()
        await world.settle()
        for user in IDLE:
            await world.say(user, f"new {user}")
        await world.settle()
        first = {}
        for request in world.model.requests[asked:]:
            said = conversation(request)
            first.setdefault(said[0].removeprefix("old "), said)
        assert first == {
            **{user: [*old(user), f"work {user}"] for user in RUNNING},
            **{user: [*old(user), f"new {user}"] for user in IDLE},
        }
        verdicts = [line["verdict"] for line in world.lines("resume verdict")]
        assert verdicts == 3 * ["resume"]
        for user in (*RUNNING, *IDLE):
            doing = "work" if user in RUNNING else "new"
            assert world.texts(user, "final") == [f"you said: old {user}", f"you said: {doing} {user}"]
        check(world)


async def test_who_is_finished_inside_the_window_is_answered_at_once_whoever_keeps_the_drain_waiting(
    autojump_clock,
):
    async with open_world(options=GatewayOptions(drain_timeout_s=10.0)) as world:
        world.model.script(text("slow", after_s=100), text("quick", after_s=4))
        for user in ("ada", "bob"):
            await world.say(user, "work")
            await trio.sleep(0.5)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.stop)
            await world.until(seconds=5)
            assert world.texts("bob", "final") == ["quick"]
            assert world.texts("ada", "final") == []
        assert world.now == 11
        await world.start()
        await world.settle()
        assert [line["verdict"] for line in world.lines("resume verdict")] == ["resume"]
        assert world.texts("ada", "final") == ["slow"]
        check(world)


async def test_fifty_stops_in_five_minutes_tell_who_was_cut_short_twice_at_most_and_nobody_else(
    autojump_clock,
):
    async with open_world(options=GatewayOptions(drain_timeout_s=2.0)) as world:
        for user in ("bob", "cy"):
            await world.say(user, "hello")
        await world.settle()
        world.model.script(*[hangs() for _ in range(100)])
        await world.say("ada", "work")
        for time in range(50):
            await trio.sleep(4)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(world.stop)
                await trio.sleep(1)
                if time == 0:
                    await world.say("cy", "are you there?")
            await world.start()
        assert world.now < 5 * 60 + 10
        told = {chat: [s for s in world.shown(chat) if s.said != "final"] for chat in ("ada", "bob", "cy")}
        assert len(told["ada"]) <= 2
        assert told["bob"] == []
        assert [seen.text for seen in told["cy"]][:1] == [sentences.DRAINING]
        assert len(told["cy"]) <= 2
