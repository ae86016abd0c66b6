"""How turns end: answered, silent, failed, timed out, cut, left behind, adopted."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.errors import StaleTurn, TurnTimedOut
from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.wishes import Silence

from .invariants import check


async def ends(world) -> list[tuple]:
    return [(row.outcome, row.reason) for row in await world.ledger()]


# --- what a function may return


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


# --- failures


async def fails_once(turn):
    if turn.text == "bad":
        await turn.step("done", answer, idempotent=True)
        raise ValueError("secret detail")
    return f"re: {turn.text}"


async def answer():
    return "42"


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
        assert world.gateway.river.turns.places.held == 0


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
        assert world.gateway.river.turns.places.held == 0
        await world.say("eve", "other")
        await world.settle()
        assert [row.reason for row in await world.ledger()] == ["deadline", "nothing said", "nothing said"]
        assert world.gateway.river.turns.places.held == 0
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


# --- cut from outside


async def refuses_to_die(turn):
    if turn.text == "hang":
        with trio.move_on_after(120, shield=True):
            await trio.sleep(99)
            for verb in (turn.say, turn.ask, turn.reset):
                with pytest.raises(StaleTurn):
                    await verb("I am late")
        return "late"
    return f"re: {turn.text}"


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


# --- reset from inside


async def resets(turn):
    if turn.text == "enough":
        await turn.say("Starting over.")
        await turn.reset("the agent had enough")
        raise AssertionError("reset returned")
    return f"re: {turn.text}, after {len(await turn.history())}"


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


# --- a store that fails


class Disk:
    """Makes the World's store fail from outside, as a full disk would."""

    def __init__(self, world) -> None:
        self.world = world

    def fill(self) -> None:
        self.world.db.execute("pragma query_only = 1")

    def empty(self) -> None:
        self.world.db.execute("pragma query_only = 0")


async def test_intake_that_cannot_commit_confirms_nothing_shows_it_and_recovers(autojump_clock):
    async def agent(turn):
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        disk = Disk(world)
        disk.fill()
        await world.say("ada", "hello")
        await world.until(seconds=30)
        assert world.platform.unread == 1
        health = world.gateway.health()["memory/main"]
        assert not health.receiving
        assert health.why.startswith("store:")
        disk.empty()
        await world.settle()
        assert world.now < 41
        assert world.texts("ada", "final") == ["re: hello"]
        assert world.gateway.health()["memory/main"].receiving
        assert len(world.lines("account down")) == 1
        check(world)


async def test_a_turn_whose_end_cannot_be_written_is_adopted_by_the_same_task(autojump_clock):
    runs = []

    async def agent(turn):
        runs.append(turn.attempt)
        await turn.step("once", answer)
        await trio.sleep(10)
        return f"re: {turn.text}"

    async with open_world(agent, options=GatewayOptions(turns_max=1, progress_every_s=0)) as world:
        disk = Disk(world)
        await world.say("ada", "hello")
        await world.until(seconds=5)
        disk.fill()
        await world.until(seconds=60)
        assert world.gateway.river.turns.places.held == 0
        assert world.db.execute("select state from turn").fetchall() == [("running",)]
        disk.empty()
        await world.settle()
        assert world.texts("ada", "final") == ["re: hello"]
        assert runs == [1, 2]
        assert world.db.execute("select boot, attempt, state from turn").fetchall() == [(1, 2, "finished")]
        check(world)


async def test_a_turn_whose_end_can_never_be_written_is_failed_after_three_tries(autojump_clock):
    """Small writes succeed, this answer does not: the model is not asked for ever."""
    runs = []

    async def agent(turn):
        runs.append(turn.attempt)
        return "big " * 50_000

    async with open_world(agent, platform=MemoryPlatform()) as world:
        (pages,) = world.db.execute("pragma page_count").fetchone()
        world.db.execute(f"pragma max_page_count = {pages + 8}")
        await world.say("ada", "hello")
        await world.until(minutes=10)
        assert runs == [1, 2, 3]
        assert await ends(world) == [("failed", "StoreFailed")]
        check(world)


async def test_sessions_recover_by_themselves_when_the_store_does(autojump_clock):
    async def agent(turn):
        await turn.step("once", answer)
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        disk = Disk(world)
        for n in range(20):
            await world.say(f"user{n}", "hello")
            await world.until(seconds=n * 0.001)
            if n == 10:
                disk.fill()
        await world.until(seconds=20)
        disk.empty()
        await world.until(seconds=90)
        assert set(await world.outcomes()) <= {"answered", "failed"}
        await world.say("user0", "again")
        await world.settle()
        assert world.texts("user0", "final")[-1] == "re: again"
        check(world)
