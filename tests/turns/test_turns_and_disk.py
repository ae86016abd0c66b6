"""A store that fails costs time, and no message."""

from __future__ import annotations

import contextlib

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import AskTimedOut
from hermes_trio.runtime.retry import AGAIN_FIRST_S
from hermes_trio.testing import MemoryPlatform, RecordingTool, open_world, text, tool
from tests.invariants.at_rest import check
from tests.scenes import answer, ends


async def test_intake_that_cannot_commit_confirms_nothing_shows_it_and_recovers(autojump_clock):
    async def agent(turn):
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        world.disk.full = True
        await world.say("ada", "hello")
        await world.until(seconds=30)
        assert world.platform.unread == 1
        health = world.gateway.health()["memory/main"]
        assert not health.receiving
        assert health.why.startswith("store:")
        world.disk.full = False
        await world.settle()
        assert world.now < 41
        assert world.texts("ada", "final") == ["re: hello"]
        assert world.gateway.health()["memory/main"].receiving
        assert len(world.lines("account down")) == 1
        check(world)


async def test_a_turn_whose_end_cannot_be_written_gives_its_place_up_and_is_written_when_it_can(
    autojump_clock,
):
    runs = []

    async def agent(turn):
        runs.append(turn.attempt)
        await turn.step("once", answer)
        await trio.sleep(10)
        return f"re: {turn.text}"

    async with open_world(agent, options=GatewayOptions(turns_max=1, progress_every_s=0)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=5)
        world.disk.full = True
        await world.until(seconds=60)
        assert world.gateway.wiring.turns.limiter.held == 0
        assert world.db.execute("select state from turn").fetchall() == [("running",)]
        world.disk.full = False
        await world.settle()
        assert world.now <= 60 + 8
        assert world.texts("ada", "final") == ["re: hello"]
        assert runs == [1]
        assert world.db.execute("select boot, attempt, state from turn").fetchall() == [(1, 1, "finished")]
        check(world)


async def test_a_turn_whose_end_can_never_be_written_is_failed_after_a_while(autojump_clock):
    """Small writes succeed, this answer does not: it is neither tried for ever nor made again."""
    runs = []

    async def agent(turn):
        runs.append(turn.attempt)
        return "big " * 50_000

    async with open_world(agent, platform=MemoryPlatform()) as world:
        (pages,) = world.db.execute("pragma page_count").fetchone()
        world.db.execute(f"pragma max_page_count = {pages + 8}")
        await world.say("ada", "hello")
        await world.until(seconds=10)
        assert runs == [1]
        assert await ends(world) == [("failed", "StoreFailed")]
        check(world)


@pytest.mark.parametrize("for_s", range(60, 80, 5))
async def test_an_answer_is_kept_however_long_another_program_holds_the_file(autojump_clock, for_s):
    """Each try waits five seconds for the file, as SQLite does; the lock may end within any of them."""

    async def agent(turn):
        await trio.sleep(1)
        return f"re: {turn.text}"

    async with open_world(agent, options=GatewayOptions(progress_every_s=0)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=0.5)
        world.disk.locked = True
        world.fault("store_slow", for_s=for_s, delay_s=2.5)
        await world.until(seconds=for_s)
        world.disk.locked = False
        await world.settle()
        assert await ends(world) == [("answered", "")]
        check(world)


async def test_what_a_tool_did_is_not_forgotten_because_the_disk_blinked(autojump_clock):
    pay = RecordingTool("pay", "paid", before_s=1, after_s=1)
    async with open_world(tools=[pay]) as world:
        world.model.script(tool("pay", sum=3), text("Paid."))
        await world.say("ada", "pay the baker")
        await world.until(seconds=1.5)
        world.fault("store_fails_commit", nth=1)
        await world.settle()
        assert world.texts("ada") == ["Paid."]
        assert await ends(world) == [("answered", "")]
        assert len(pay.effects) == 1
        assert world.now == 2 + AGAIN_FIRST_S
        check(world)


@pytest.mark.parametrize("times", [*range(1, 15), 20, 40, 100, 300])
async def test_an_answer_is_kept_wherever_among_the_tries_of_its_end_the_disk_heals(autojump_clock, times):
    """That the disk refuses all writes says nothing of this one; whichever is the first that it takes."""
    pay = RecordingTool("pay", "paid")
    async with open_world(tools=[pay]) as world:
        world.model.script(tool("pay"), text("Paid."))
        world.fault("store_fails_commit", nth=6, times=times)
        await world.say("ada", "pay the baker")
        await world.settle()
        assert world.texts("ada") == ["Paid."]
        assert await ends(world) == [("answered", "")]
        assert len(pay.effects) == 1
        check(world)


async def tries_of(world, users: int) -> int:
    """How often a disk that refuses all for ten minutes is asked, where so many wait for it."""
    for user in range(users):
        await world.say(f"user {user}", "hello")
    await world.until(seconds=0.5)
    world.disk.full = True
    await world.until(seconds=60)
    asked = []
    world.db.set_trace_callback(lambda sql: asked.append(sql) if sql.lower() == "begin immediate" else None)
    await world.until(seconds=660)
    world.db.set_trace_callback(None)
    world.disk.full = False
    await world.settle()
    assert world.now < 670
    assert [world.texts(f"user {user}", "final") for user in range(users)] == [["re: hello"]] * users
    check(world)
    return len(asked)


async def ends_late(turn):
    await trio.sleep(1)
    return f"re: {turn.text}"


async def ends_a_step(turn):
    await turn.step("slow", trio.sleep, 1)
    return f"re: {turn.text}"


async def begins_a_step(turn):
    await trio.sleep(1)
    await turn.step("once", answer)
    return f"re: {turn.text}"


@pytest.mark.parametrize("agent", [ends_late, ends_a_step, begins_a_step])
async def test_of_all_turns_that_a_disk_keeps_waiting_one_asks_whether_it_is_well(autojump_clock, agent):
    asked = []
    for users in (1, 20):
        async with open_world(agent, options=GatewayOptions(progress_every_s=0)) as world:
            asked.append(await tries_of(world, users))
    assert asked[0] == asked[1] == 75


async def test_so_does_one_of_all_answers_whose_receipts_it_refuses(autojump_clock):
    async def agent(turn):
        return f"re: {turn.text}"

    asked = []
    for users in (1, 20):
        async with open_world(agent, platform=MemoryPlatform(delay_s=1)) as world:
            asked.append(await tries_of(world, users))
    assert asked[0] == asked[1] == 75


async def test_a_disk_that_takes_each_second_write_fails_no_answer_at_once(autojump_clock):
    """What it refuses once after it took another write may be chance; five times in a row it is not."""

    async def agent(turn):
        await trio.sleep(1)
        return f"re: {turn.text}"

    async with open_world(agent, options=GatewayOptions(progress_every_s=0)) as world:
        await world.say("ada", "hello")
        world.later(0.9, lambda: world.fault("store_fails_commit", nth=1))
        for before_s in (1.2, 1.7, 2.7, 4.7):
            world.later(before_s, lambda: world.fault("store_fails_commit", nth=2))
        await world.settle()
        assert world.now == 8.75
        assert world.texts("ada") == ["re: hello"]
        assert await ends(world) == [("answered", "")]
        check(world)


async def test_what_a_tool_did_behind_the_deadline_is_kept_although_the_disk_blinks(autojump_clock):
    pay = RecordingTool("pay", "paid", before_s=5, after_s=10, shielded=True)
    async with open_world(tools=[pay], options=GatewayOptions(turn_deadline_s=10)) as world:
        world.model.script(tool("pay", sum=3))
        await world.say("ada", "pay the baker")
        await world.until(seconds=14)
        world.fault("store_fails_commit")
        await world.settle()
        assert [line["why"] for line in world.lines("message failed")] == ["deadline"]
        await world.say("ada", "did you?")
        await world.settle()
        shown = [entry.text for entry in world.model.requests[-1].entries]
        assert shown == ["pay the baker", "", "paid", "did you?"]
        check(world)


async def fails():
    raise ValueError("no")


async def every_verb(turn):
    """Each of its writes may meet the blink of the disk."""
    await turn.history()
    await turn.step("does", answer)
    with contextlib.suppress(ValueError):
        await turn.step("fails", fails)
    await turn.say("said")
    await turn.sleep(1)
    with contextlib.suppress(AskTimedOut):
        await turn.ask("which?", timeout_s=5)
    return "done"


@pytest.mark.parametrize("nth", range(1, 30))
async def test_no_commit_that_is_refused_once_ends_a_turn(autojump_clock, nth):
    async with open_world(every_verb) as world:
        world.fault("store_fails_commit", nth=nth)
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada", "say", "prompt", "final") == ["said", "which?", "done"]
        assert await ends(world) == [("answered", "")]
        assert [step for (step,) in world.db.execute("select name from step order by nth")] == [
            "does",
            "fails",
            "say",
            "sleep",
            "ask",
        ]
        check(world)


async def test_what_a_turn_waits_for_the_disk_is_not_its_time(autojump_clock):
    async def agent(turn):
        await turn.step("does", answer)
        await trio.sleep(9)
        return "done"

    async with open_world(agent, options=GatewayOptions(turn_deadline_s=10)) as world:
        await world.say("ada", "hello")
        world.disk.full = True
        await world.until(seconds=120)
        world.disk.full = False
        await world.settle()
        assert world.texts("ada", "final") == ["done"]


async def test_a_command_is_not_refused_for_what_it_waits_for_the_disk(autojump_clock):
    async with open_world() as world:
        await world.say("ada", "hello")
        await world.reply("ada")
        world.life.store.slow_s = 30.0
        await world.say("ada", "/status")
        await world.settle()
        assert await ends(world) == [("answered", ""), ("answered", "")]


async def test_a_stop_ends_a_turn_that_waits_for_the_disk_with_its_end(autojump_clock):
    """The stop's commit is the first that the disk takes; what was made is too late."""

    async def agent(turn):
        await trio.sleep(1)
        return "done"

    async with open_world(agent, options=GatewayOptions(progress_every_s=0)) as world:
        await world.say("ada", "hello")
        await world.until(seconds=0.9)
        world.disk.full = True
        await world.until(seconds=3)
        world.disk.full = False
        await world.gateway.stop(1)
        await world.settle()
        assert await ends(world) == [("stopped", "operator")]
        assert world.texts("ada", "final") == []


async def test_sessions_recover_by_themselves_when_the_store_does(autojump_clock):
    async def agent(turn):
        await turn.step("once", answer)
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        for n in range(20):
            await world.say(f"user{n}", "hello")
            await world.until(seconds=n * 0.001)
            if n == 10:
                world.disk.full = True
        await world.until(seconds=20)
        world.disk.full = False
        await world.until(seconds=90)
        assert set(await world.outcomes()) <= {"answered", "failed"}
        await world.say("user0", "again")
        await world.settle()
        assert world.texts("user0", "final")[-1] == "re: again"
        check(world)
