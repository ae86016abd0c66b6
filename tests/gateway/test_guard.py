"""A process that keeps dying: what would resume is paused until somebody writes or a start has lasted."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import hangs, open_world
from tests.invariants.at_rest import check
from tests.scenes import verdicts

NOTICE = (
    "I was interrupted several times within a minute, so I wait before I go on with your last message: 60 s,"
    " or until you write again."
)
PATIENT = GatewayOptions(stuck_after=100)


async def work(turn):
    if turn.attempt < 4:
        await trio.sleep_forever()
    return f"re: {turn.text.replace(chr(10), ' + ')}"


async def dies(world, times: int, *, every_s: float = 1.0) -> None:
    """So many lives of a second each, and the start after the last."""
    for _ in range(times):
        await world.until(seconds=world.now + every_s)
        world.crash()
        await world.start()


async def test_three_unclean_lives_in_a_minute_hold_back_what_would_resume(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        await world.say("ada", "work")
        await dies(world, 3)
        assert verdicts(world) == ["resume", "resume", "paused"]
        await world.settle()
        assert world.db.execute("select attempt, boot, state from turn").fetchall() == [(3, 3, "running")]
        assert world.texts("ada", "notice") == [NOTICE]
        assert (await world.gateway.status()).paused == 1
        assert [(line["turns"], line["for_s"]) for line in world.lines("turns paused")] == [(1, 60.0)]


async def test_they_go_on_when_the_start_has_lived_a_minute(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        await world.say("ada", "work")
        await dies(world, 3)
        await world.until(seconds=world.now + 59.9)
        assert world.texts("ada", "final") == []
        await world.until(seconds=world.now + 0.2)
        assert world.texts("ada", "final") == ["re: work"]
        assert (await world.gateway.status()).paused == 0
        assert [line["turns"] for line in world.lines("turns released")] == [1]
        check(world)


async def test_the_next_message_of_their_own_lets_them_go_on_and_is_taken_in(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        for user in ("ada", "bob"):
            await world.say(user, "work")
        await dies(world, 3)
        await world.say("ada", "and?")
        await world.settle()
        assert world.texts("ada", "final") == ["re: work + and?"]
        assert world.texts("bob", "final") == []
        assert (await world.gateway.status()).paused == 1
        await world.until(seconds=world.now + 61)
        assert world.texts("bob", "final") == ["re: work"]
        check(world)


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
async def test_whatever_a_message_does_to_a_busy_session_a_held_turn_is_one_turn_with_it(
    autojump_clock, busy
):
    async with open_world(options=GatewayOptions(stuck_after=100, busy=busy)) as world:
        world.model.script(*[hangs()] * 3)
        await world.say("ada", "one")
        await dies(world, 3)
        await world.say("ada", "two")
        await world.settle()
        assert world.texts("ada", "final") == ["you said: two"]
        assert world.db.execute("select count(*) from turn").fetchone() == (1,)
        assert not [seen for seen in world.platform.seen.values() if seen.said == "sign"]
        check(world)


async def test_somebody_new_is_answered_meanwhile(autojump_clock):
    async with open_world(options=PATIENT) as world:
        world.model.script(*[hangs()] * 3)
        await world.say("ada", "work")
        await dies(world, 3)
        await world.say("bob", "hello")
        await world.settle()
        assert world.texts("bob", "final") == ["you said: hello"]


async def test_commands_reach_a_held_turn(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        await world.say("ada", "work")
        await dies(world, 3)
        await world.say("ada", "/status")
        await world.settle()
        told = world.shown("ada")[-1].text
        assert "Turn 1 is paused; a message of yours lets it go on" in told
        await world.say("ada", "/stop")
        await world.settle()
        assert [seen.text for seen in world.shown("ada") if seen.text != told] == [NOTICE, "Stopped."]
        check(world)


async def test_an_answer_to_a_held_question_lets_it_go_on(autojump_clock):
    async def agent(turn):
        return f"{await turn.ask('Which?')} it is"

    async with open_world(agent, options=PATIENT) as world:
        await world.say("ada", "paint")
        await dies(world, 3)
        assert verdicts(world)[-1] == "paused"
        await world.say("ada", "red")
        await world.settle()
        assert world.texts("ada", "final") == ["red it is"]
        check(world)


async def test_each_chat_is_told_once_however_many_starts_hold_it(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        await world.say("ada", "work")
        await dies(world, 9)
        assert verdicts(world) == ["resume", "resume", *["paused"] * 7]
        await world.settle()
        assert world.texts("ada", "notice") == [NOTICE]
        await world.until(seconds=world.now + 61)
        assert world.texts("ada", "final") == ["re: work"]
        check(world)


async def test_a_life_that_holds_a_turn_back_does_not_interrupt_it(autojump_clock):
    async with open_world(work) as world:
        await dies(world, 1)
        await world.say("ada", "work")
        await dies(world, 9)
        assert verdicts(world) == ["resume", *["paused"] * 8]
        assert world.db.execute("select interrupted from session").fetchall() == [(2,)]


async def test_lives_that_last_are_not_held_back(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        await world.say("ada", "work")
        await dies(world, 3, every_s=25)
        await world.settle()
        assert verdicts(world) == ["resume"] * 3
        assert world.texts("ada", "final") == ["re: work"]


async def test_a_clean_life_among_them_is_calm(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        await dies(world, 1)
        await world.stop()
        await world.start()
        await world.say("ada", "work")
        await dies(world, 1)
        assert verdicts(world)[-1] == "resume"


async def test_lives_that_were_stopped_as_asked_are_no_bad_ends_though_a_turn_was_left(autojump_clock):
    options = GatewayOptions(stuck_after=100, drain_timeout_s=0)
    async with open_world(work, options=options) as world:
        await world.say("ada", "work")
        for _ in range(3):
            await world.until(seconds=world.now + 1.0)
            await world.stop()
            await world.start()
        assert await world.reply("ada") == "re: work"
        assert verdicts(world) == ["resume"] * 3
        await world.settle()
        check(world)


async def test_no_resume_closes_also_what_would_be_held(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        await world.say("ada", "work")
        await dies(world, 3)
        world.crash()
        await world.start(resume=False)
        await world.settle()
        assert verdicts(world)[-1] == "not_asked"
        assert await world.outcomes() == ["failed"]
        check(world)


async def test_a_store_that_fails_then_delays_it_no_longer_than_it_has_to(autojump_clock):
    async with open_world(work, options=PATIENT) as world:
        await world.say("ada", "work")
        await dies(world, 3)
        await world.until(seconds=world.now + 59)
        world.disk.full = True
        await world.until(seconds=world.now + 10)
        world.disk.full = False
        await world.until(seconds=world.now + 20)
        assert world.texts("ada", "final") == ["re: work"]
        check(world)
