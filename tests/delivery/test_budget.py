"""A platform that says wait is obeyed: no call to that chat before its time; other chats go on."""

import itertools

import pytest
import trio

from hermes_trio.errors import NotSent
from hermes_trio.testing import MemoryPlatform, open_world
from tests.delivery.chats import calls, capabilities, outbound

ANSWER = "you said: hi"


def silence(world, chat, seconds):
    """The next send or edit is answered with "too many requests, wait"."""
    world.platform.fault("wait", wait_s=seconds)


async def test_no_call_to_the_chat_inside_a_penalty_and_one_right_after_it(world):
    silence(world, "u1", 30.0)
    await world.say("u1", "hi")
    await world.settle()
    assert calls(world) == [(0.0, "send", "final", ANSWER), (30.0, "send", "final", ANSWER)]


@pytest.mark.parametrize("told", ["nan", "inf", "-inf"])
async def test_what_is_no_number_of_seconds_is_no_wait(world, told):
    silence(world, "u1", float(told))
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == [ANSWER]
    assert world.now < 60


async def test_a_chat_is_silent_for_a_day_at_most_also_after_a_restart(world):
    silence(world, "u1", 1e12)
    await world.say("u1", "hi")
    await world.until(hours=1)
    world.crash()
    await world.start()
    await world.until(hours=23, minutes=59)
    assert len(calls(world)) == 1
    await world.say("u1", "hi")
    await world.until(hours=24, seconds=1)
    assert calls(world)[1:] == [(86400.0, "send", "final", ANSWER)]


@pytest.mark.parametrize("seconds", [0.0, -5.0, 1e-9])
async def test_a_platform_that_names_no_time_worth_the_name_is_not_called_without_a_pause(world, seconds):
    for _ in range(8):
        silence(world, "u1", seconds)
    await world.say("u1", "hi")
    await world.settle()
    times = [at for at, *_ in calls(world)]
    assert len(times) == 9
    assert times[-1] > 5


async def test_also_for_commands(world):
    silence(world, "g", 30.0)
    await world.say("u1", "hi", chat="g", group=True)
    await world.until(seconds=1)
    await world.say("u1", "/status", chat="g", group=True)
    await world.settle()
    assert {c[0] for c in calls(world)} == {0.0, 30.0}
    assert [c[2] for c in calls(world, since=1)].count("final") == 1
    assert [c[2] for c in calls(world, since=1)].count("reply") == 1


class SlowFirst(MemoryPlatform):
    """The first send takes two seconds, and is then told to wait."""

    told_at = None

    async def deliver(self, delivery):
        if self.told_at is None:
            self.told_at = trio.current_time() + 2
            await trio.sleep(2)
            raise NotSent("too many requests", 30.0)
        return await super().deliver(delivery)


async def test_a_lane_that_began_before_the_penalty_was_told_makes_no_call_in_it(autojump_clock):
    async with open_world(platform=SlowFirst(), commit_s=0.2) as world:
        for thread in range(60):
            await world.until(seconds=thread * 0.05)
            await world.say("u1", "hi", chat="g", thread=str(thread), group=True)
        await world.settle()
        told = world.platform.told_at
        assert [c.at for c in world.platform.calls if told < c.at < round(told + 30.0, 6)] == []
        assert [c.at for c in world.platform.calls if c.at < told]
        assert {row[0] for row in outbound(world, "unknown")} == {0}


async def test_other_chats_go_on(world):
    silence(world, "u1", 30.0)
    await world.say("u1", "hi")
    await world.until(seconds=1)
    await world.say("u2", "hi")
    assert await world.reply("u2") == ANSWER
    assert world.now == 1


async def test_a_penalty_longer_than_ten_seconds_survives_a_restart(world):
    silence(world, "u1", 30.0)
    await world.say("u1", "hi")
    await world.until(seconds=5)
    world.crash()
    await world.start()
    await world.settle()
    assert [c[0] for c in calls(world)] == [0.0, 30.0]
    assert outbound(world, "unknown, marked") == [(0, 0)]


async def test_a_short_one_does_not(world):
    silence(world, "u1", 8.0)
    await world.say("u1", "hi")
    await world.until(seconds=5)
    world.crash()
    await world.start()
    await world.settle()
    assert [c[0] for c in calls(world)] == [0.0, 5.0]


async def test_a_platform_that_asks_for_no_time_at_all_is_not_asked_in_a_loop(world):
    world.platform.fault(*["wait"] * 5, wait_s=0.0)
    await world.say("u1", "hi")
    await world.settle()
    assert len(calls(world)) == 6
    assert world.now > 0.5


async def streams(turn):
    for _ in range(60):
        turn.stream("x ")
        await trio.sleep(1)
    return "done"


@pytest.mark.parametrize(("wait_s", "quiet"), [(4.0, False), (20.0, True)])
async def test_a_429_longer_than_five_seconds_stops_what_is_only_live_on_the_whole_account(
    autojump_clock, wait_s, quiet
):
    async with open_world(agent=streams) as world:
        await world.say("u1", "hi")
        await world.until(seconds=10)
        silence(world, "u2", wait_s)
        await world.say("u2", "/help")
        await world.until(seconds=10 + wait_s)
        inside = calls(world, chat="u1", since=10.5)
        assert (inside == []) is quiet
        await world.until(seconds=40)
        later = calls(world, chat="u1", since=10 + wait_s)
        assert {said for _, op, said, _ in later if op != "typing"} == {"preview"}
        assert "typing" in {op for _, op, _, _ in later}


async def test_it_stays_so_after_a_restart(world):
    world.agent = streams
    silence(world, "u2", 60.0)
    await world.say("u2", "/help")
    await world.until(seconds=2)
    world.crash()
    await world.start()
    await world.say("u1", "hi")
    await world.until(seconds=59)
    assert calls(world, chat="u1") == []
    await world.until(seconds=70)
    assert calls(world, chat="u1") != []


class TypingCosts(MemoryPlatform):
    """Answers each typing sign with "wait"."""

    async def deliver(self, delivery):
        if delivery.op == "typing":
            await super().deliver(delivery)
            raise ExceptionGroup("in a nursery", [NotSent("too many requests", 15.0)])
        return await super().deliver(delivery)


async def test_a_429_for_typing_is_a_penalty_too_and_typing_is_never_queued(autojump_clock):
    async with open_world(
        agent=streams, platform=TypingCosts(capabilities=capabilities(can_edit=False))
    ) as world:
        await world.say("u1", "hi")
        await world.settle()
        at = [c[0] for c in calls(world, op="typing")]
        assert at[0] == 0.5
        assert all(b - a >= 15.0 for a, b in itertools.pairwise(at))
        assert world.platform.texts("u1") == ["done"]


async def test_penalties_that_are_over_are_forgotten(world):
    for n in range(20):
        silence(world, f"u{n}", 30.0)
        await world.say(f"u{n}", "hi")
    await world.settle()
    assert len(world.gateway.wiring.outbox._silent_until) == 0


async def test_a_penalty_is_not_longer_after_a_restart_because_the_wall_clock_was_set_back(world):
    """Found by seeds 14056 and 18256: a chat was silent for the two hours that the clock had gone back."""
    world.platform.fault("wait", wait_s=40.0)
    await world.say("ada", "one")
    await world.until(seconds=1)
    world.fault("clock_jumps", by_s=-7200.0)
    await world.until(seconds=60)
    await world.stop()
    await world.start()
    await world.say("ada", "two")
    await world.until(seconds=101)
    assert world.texts("ada") == ["you said: one", "you said: two"]
