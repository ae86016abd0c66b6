"""How turns end: answered, silent, failed, timed out."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import TurnTimedOut
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.actions import Silence
from tests.invariants.at_rest import check

# --- what a function may return
from tests.scenes import answer, ends


@pytest.mark.parametrize(
    ("returned", "shown", "reason"),
    [
        ("text", ["said", "text"], ""),
        (None, ["said"], ""),
        (Silence("nothing to add"), ["said"], "silence: nothing to add"),
        ("   ", ["said"], ""),
    ],
)
async def test_the_final_is_what_is_returned_or_the_last_say(autojump_clock, returned, shown, reason):
    async def agent(turn):
        await turn.say("said")
        return returned

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada") == shown
        assert await ends(world) == [("answered", reason)]
        said = world.db.execute("select said from outbound order by id").fetchall()
        assert said == ([("say",), ("final",)] if returned == "text" else [("final",)])
        check(world)


@pytest.mark.parametrize(
    ("returned", "reason"),
    [(None, "nothing said"), (Silence("not for me"), "silence: not for me"), ("", "nothing said")],
)
async def test_a_turn_that_says_nothing_is_answered_with_its_reason(autojump_clock, returned, reason):
    async def agent(turn):
        return returned

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert world.shown("ada") == []
        assert await ends(world) == [("answered", reason)]


@pytest.mark.parametrize("returned", [7, b"bytes", ["a list"], object()])
async def test_a_function_that_returns_what_is_no_answer_fails_its_turn_once(autojump_clock, returned):
    runs = []

    async def agent(turn):
        runs.append(turn.attempt)
        return returned

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert await ends(world) == [("failed", "AgentError")]
        assert len(world.texts("ada", "notice")) == 1
        assert runs == [1]


async def test_an_answer_that_is_no_unicode_is_said_without_what_is_none(autojump_clock):
    async def agent(turn):
        return "lone \ud800 one"

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada", "final") == ["lone \ufffd one"]


class UnableToSplit(MemoryPlatform):
    """An adapter with a defect: some texts make it raise."""

    def split(self, text):
        if "poison" in text:
            raise ValueError("a defect of the adapter")
        return super().split(text)


async def test_an_answer_that_cannot_be_split_fails_its_turn_once(autojump_clock):
    runs = []

    async def agent(turn):
        runs.append(turn.attempt)
        return "poison"

    async with open_world(agent, platform=UnableToSplit()) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert await ends(world) == [("failed", "ValueError")]
        assert len(world.texts("ada", "notice")) == 1
        assert runs == [1]


async def fails_once(turn):
    if turn.text == "bad":
        await turn.step("done", answer, idempotent=True)
        raise ValueError("secret detail")
    return f"re: {turn.text}"


# --- failures


@pytest.mark.world(agent=fails_once)
async def test_a_failed_turn_says_one_sentence_keeps_what_it_has_and_the_queue_goes_on(world):
    await world.say("ada", "bad")
    await world.say("ada", "/queue good")
    await world.settle()
    assert world.texts("ada", "notice") == [
        "Something went wrong while I worked on this (turn 1). Please try again."
    ]
    assert world.texts("ada", "final") == ["re: good"]
    assert await ends(world) == [("failed", "ValueError"), ("answered", "")]
    assert world.db.execute("select state from step").fetchall() == [("done",)]
    assert world.db.execute("select count(*) from entry where turn = 1").fetchone() == (1,)
    check(world)


async def test_many_errors_at_once_are_one_failure(autojump_clock):
    async def child():
        await trio.sleep(1)
        raise ValueError("one of many")

    async def agent(turn):
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(child)

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert await ends(world) == [("failed", "ValueError")]
        assert len(world.texts("ada", "notice")) == 1


# --- the deadline


async def test_the_deadline_arrives_as_an_error_and_is_told(autojump_clock):
    async def agent(turn):
        await trio.sleep_forever()

    async with open_world(agent, options=GatewayOptions(turn_deadline_s=100)) as world:
        await world.say("ada", "hello")
        assert await world.reply("ada") == "I stopped: this took longer than a turn may take."
        assert world.now == 100
        await world.settle()
        assert await ends(world) == [("failed", "deadline")]
        check(world)


async def test_waiting_in_sleep_and_ask_does_not_count_towards_the_deadline(autojump_clock):
    async def agent(turn):
        await trio.sleep(4)
        await turn.sleep(1000)
        await trio.sleep(4)
        await turn.ask("more?", timeout_s=5000)
        await trio.sleep(4)

    async with open_world(agent, options=GatewayOptions(turn_deadline_s=10)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=3000)
        await world.say("ada", "yes")
        await world.settle()
        assert world.now == 3002
        assert [row.reason for row in await world.ledger()] == ["deadline", "deadline"]


async def test_waits_that_overlap_keep_the_deadline(autojump_clock):
    async def agent(turn):
        async def nap(name, seconds):
            await turn.sleep(seconds, name=name)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(nap, "short", 50)
            nursery.start_soon(nap, "long", 100)
        await nap("third", 10)
        await trio.sleep_forever()

    async with open_world(agent, options=GatewayOptions(turn_deadline_s=10, turns_max=1)) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert world.now == 120
        assert [row.reason for row in await world.ledger()] == ["deadline"]
        assert world.gateway.wiring.turns.limiter.held == 0


async def test_a_wait_that_begins_while_another_waits_for_a_place(autojump_clock):
    """With one place: the turn's first sleep ends while another session has the place."""

    async def agent(turn):
        if turn.text == "other":
            await trio.sleep(20)
            return

        async def nap(name, after_s, seconds):
            await trio.sleep(after_s)
            await turn.sleep(seconds, name=name)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(nap, "first", 0, 10)
            nursery.start_soon(nap, "second", 15, 30)
        await trio.sleep_forever()

    async with open_world(agent, options=GatewayOptions(turn_deadline_s=100, turns_max=1)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=1)
        await world.say("bob", "other")
        await world.until(seconds=25)
        assert world.gateway.wiring.turns.limiter.held == 0
        await world.say("eve", "other")
        await world.settle()
        assert [row.reason for row in await world.ledger()] == ["deadline", "nothing said", "nothing said"]
        assert world.gateway.wiring.turns.limiter.held == 0
        assert world.now == 145


async def test_a_wait_that_fails_starts_the_clock_again(autojump_clock):
    async def agent(turn):
        try:
            await turn.ask("hm?", timeout_s=20)
        except TurnTimedOut:
            await trio.sleep_forever()

    async with open_world(agent, options=GatewayOptions(turn_deadline_s=10)) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert world.now == 30


@pytest.mark.parametrize("asleep_s", [30, 3600, 86400])
async def test_time_in_which_the_process_did_not_run_is_not_the_turns(autojump_clock, asleep_s):
    """A stop, or a lid that is closed, costs a turn at most the second between two looks at the time."""

    async def agent(turn):
        await trio.sleep(50 if turn.text == "works" else float("inf"))
        return "done"

    async with open_world(agent, options=GatewayOptions(turn_deadline_s=60)) as world:
        await world.say("ada", "works")
        await world.say("bob", "hangs")
        await world.until(seconds=10.5)
        world.fault("freezes", for_s=asleep_s)
        await world.settle()
        assert await ends(world) == [("answered", ""), ("failed", "deadline")]
        assert world.now == 60 + asleep_s - 0.5
        check(world)


@pytest.mark.parametrize("asleep_s", [30, 3000])
async def test_a_process_that_stops_in_the_first_moment_of_a_turn_takes_none_of_its_time(
    autojump_clock, asleep_s
):
    """Nobody has looked at the time before: when the next look is due is known from the first moment."""

    async def agent(turn):
        world.fault("freezes", for_s=asleep_s)
        await trio.sleep(50 if turn.text == "works" else float("inf"))
        return "done"

    async with open_world(agent, options=GatewayOptions(turn_deadline_s=60)) as world:
        await world.say("ada", "works")
        await world.settle()
        await world.say("bob", "hangs")
        await world.settle()
        assert await ends(world) == [("answered", ""), ("failed", "deadline")]
        assert world.now == 50 + asleep_s + 60 + asleep_s - 1
        check(world)
