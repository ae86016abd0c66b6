"""A conversation that ends by itself: what the first model call after the boundary is shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trio

from hermes_trio.commands.new import command as new
from hermes_trio.commands.resume import command as resume
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.testing import hangs, open_world, text
from hermes_trio.values.transcript import UserEntry
from tests.invariants.at_rest import check

NONE = SessionOptions(reset="none")
IDLE = SessionOptions(reset="idle", idle_after_s=3600)
DAILY = SessionOptions(reset="daily", daily_at="04:00", timezone="UTC")
BOTH = SessionOptions(reset="both", idle_after_s=3600, daily_at="04:00", timezone="UTC")
DAILY_NOTICE = "New conversation: daily reset at 04:00. /resume goes back to the one before."
IDLE_NOTICE = "New conversation: nothing was said for 60 min. /resume goes back to the one before."


def until_four(world) -> float:
    """Seconds from now to the next 04:00 UTC."""
    now = datetime.fromtimestamp(world.clock.now(), UTC)
    return (4 * 3600 - (now.hour * 3600 + now.minute * 60 + now.second)) % 86400 - now.microsecond / 1e6


def users(request) -> list[str]:
    return [entry.text for entry in request.entries if isinstance(entry, UserEntry)]


async def sleep(world, seconds: float) -> None:
    await world.until(seconds=world.now + seconds)


# --- the matrix: a rule, a restart, and whether the boundary lies between two messages

RESTARTS = ["none", "stop before", "stop after", "crash before", "crash after", "kill mid-turn before"]


@pytest.mark.parametrize("restart", RESTARTS)
@pytest.mark.parametrize(
    ("session", "before_s", "after_s", "notice"),
    [
        # Ten minutes before 04:00 and ten after it, or far from it; with an idle hour or without.
        (NONE, 600, 600, None),
        (NONE, 600, 90_000, None),
        (IDLE, 600, 600, None),
        (IDLE, 600, 7200, IDLE_NOTICE),
        (DAILY, 600, 600, DAILY_NOTICE),
        (DAILY, 7200, -600, None),
        (BOTH, 600, 600, DAILY_NOTICE),
        (BOTH, 7200, -600, IDLE_NOTICE),
    ],
)
async def test_old_history_is_shown_if_the_policy_says_so(
    autojump_clock, session, before_s, after_s, notice, restart
):
    async with open_world(session=session, options=GatewayOptions(resume_freshness_s=1e9)) as world:
        await sleep(world, until_four(world) - before_s)
        if restart == "kill mid-turn before":
            world.model.script(hangs())
        await world.say("ada", "old")
        if restart != "kill mid-turn before":
            await world.settle()
        await sleep(world, 60)
        match restart:
            case "stop before":
                await world.stop()
                await world.start()
            case "crash before" | "kill mid-turn before":
                world.crash()
                await world.start()
                await world.settle()
        await sleep(world, before_s + after_s - 60)
        match restart:
            case "stop after":
                await world.stop()
                await world.start()
            case "crash after":
                world.crash()
                await world.start()
        asked = len(world.model.requests)
        await world.say("ada", "new")
        await world.settle()
        assert users(world.model.requests[asked]) == (["new"] if notice else ["old", "new"])
        assert world.texts("ada", "notice") == ([notice] if notice else [])
        assert world.texts("ada")[-2:] == [
            *([notice] if notice else ["you said: old"]),
            "you said: new",
        ]
        check(world)


# --- what is activity, and what is no admission


async def test_the_gateway_s_own_words_and_starts_are_no_activity(autojump_clock):
    async with open_world(session=IDLE, commands=[new]) as world:
        await world.say("ada", "old")
        await world.settle()
        for _ in range(4):
            await sleep(world, 1000)
            await world.say("ada", "/nonsense")
            await world.stop()
            await world.start()
        await world.say("ada", "new")
        await world.settle()
        assert users(world.model.requests[-1]) == ["new"]


async def test_no_turn_that_runs_is_ended_and_none_that_goes_on(autojump_clock):
    async with open_world(session=IDLE, options=GatewayOptions(turn_deadline_s=1e5)) as world:
        world.model.script(text("done", after_s=5000))
        await world.say("ada", "long")
        await sleep(world, 2000)
        world.crash()
        await world.start()
        await sleep(world, 4000)
        await world.say("ada", "still there?")
        await world.settle()
        assert world.texts("ada", "notice") == []
        assert await world.outcomes() == ["answered", "answered"]
        assert users(world.model.requests[-1]) == ["long", "still there?"]


async def test_what_was_said_before_the_boundary_and_waited_over_it_goes_on(autojump_clock):
    """The boundary lies after both messages; that the first took long ends nothing."""
    async with open_world(session=DAILY) as world:
        await sleep(world, until_four(world) - 60)
        world.model.script(text("done", after_s=600))
        await world.say("ada", "long")
        await sleep(world, 30)
        await world.say("ada", "and this")
        await world.settle()
        assert users(world.model.requests[-1]) == ["long", "and this"]
        assert world.texts("ada", "notice") == []


async def test_a_conversation_nobody_spoke_in_does_not_end(autojump_clock):
    async with open_world(session=DAILY, commands=[new]) as world:
        await world.say("ada", "one")
        await world.settle()
        await world.say("ada", "/new")
        await world.settle()
        await sleep(world, 86400)
        await world.say("ada", "two")
        await world.settle()
        assert world.texts("ada", "notice") == []


async def test_a_resumed_conversation_counts_from_its_resume(autojump_clock):
    async with open_world(session=IDLE, commands=[new, resume]) as world:
        await world.say("ada", "old")
        await world.settle()
        await sleep(world, 4000)
        await world.say("ada", "new")
        await world.settle()
        await world.say("ada", "/resume")
        await world.settle()
        await sleep(world, 3000)
        await world.say("ada", "back")
        await world.settle()
        assert users(world.model.requests[-1]) == ["old", "back"]
        assert world.texts("ada", "notice") == [IDLE_NOTICE]


async def test_a_clock_that_is_set_back_ends_nothing(autojump_clock):
    async with open_world(session=BOTH) as world:
        await world.say("ada", "old")
        await world.settle()
        world.clock.offset -= 200_000
        await world.say("ada", "new")
        await world.settle()
        assert world.texts("ada", "notice") == []
        assert users(world.model.requests[-1]) == ["old", "new"]


async def test_other_chats_and_topics_do_not_notice(autojump_clock):
    async with open_world(session=IDLE) as world:
        for thread in (None, "1"):
            await world.say("ada", "old", thread=thread)
        await world.settle()
        await sleep(world, 3000)
        await world.say("ada", "awake", thread="1")
        await world.settle()
        await sleep(world, 1000)
        for thread in (None, "1"):
            await world.say("ada", "new", thread=thread)
            await world.settle()
        assert [users(request) for request in world.model.requests[-2:]] == [["new"], ["old", "awake", "new"]]


async def test_a_crash_at_any_time_around_it_says_it_once_and_loses_nothing(autojump_clock):
    for step in range(40):
        async with open_world(seed=step, commit_s=0.001, session=IDLE) as world:
            await world.say("ada", "old")
            await world.settle()
            await sleep(world, 4000)
            await world.say("ada", "new")
            await trio.sleep(step * 0.0005)
            world.crash()
            await world.start()
            await world.settle()
            assert {told.removesuffix(" ↻") for told in world.texts("ada", "notice")} == {IDLE_NOTICE}
            assert users(world.model.requests[-1]) == ["new"]
            assert world.db.execute("select why from session order by id").fetchall() == [("idle",), (None,)]
            check(world)
