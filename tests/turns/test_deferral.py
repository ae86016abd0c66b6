"""A message that no key could answer is kept, its user told once, and answered when a key recovers."""

from __future__ import annotations

import pytest
import trio
from msgspec.structs import replace

from hermes_trio.config.options import Gateway
from hermes_trio.daemon.control.answers import Answers
from hermes_trio.daemon.control.requests import AwaitRest, Done
from hermes_trio.testing import MemoryPlatform, fails, open_world, text, tool
from hermes_trio.values.identity import Policy
from tests.invariants.at_rest import check

KEPT = (
    "No model key can be used at the moment (quota used up). Your message is kept and will be answered"
    " when one can, in {} at the earliest."
)


def lone(**more):
    return pytest.mark.world(keys=["a"], on_exhausted="defer", **more)


def pool(**more):
    return pytest.mark.world(keys=["a", "b", "c"], on_exhausted="defer", **more)


@lone()
async def test_a_lone_key_that_heals_after_ninety_seconds_answers_within_three_minutes(world):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    assert await world.reply("ada") == KEPT.format("30 s")
    assert [(row.state, row.outcome) for row in await world.ledger()] == [("deferred", None)]
    await world.until(seconds=91)
    world.model.heal()
    assert await world.reply("ada") == "you said: hello"
    assert world.now == 120
    assert world.model.keys == ["a"] * 5
    assert world.texts("ada") == [KEPT.format("30 s"), "you said: hello"]
    assert await world.outcomes() == ["answered"]
    assert [line["why"] for line in world.lines("turn closed")] == ["deferred"] * 4 + [None]
    await world.settle()
    check(world)


@pool()
async def test_of_several_used_up_keys_each_is_asked_once_and_then_one_of_them_every_half_minute(world):
    world.model.refuse("a", "b", "c", line=fails("quota"))
    await world.say("ada", "hello")
    assert await world.reply("ada") == KEPT.format("30 s")
    await world.until(seconds=61)
    assert world.model.keys == ["a", "b", "c", "a", "b"]
    world.model.heal()
    assert await world.reply("ada") == "you said: hello"
    assert world.now == 90
    assert world.model.keys == ["a", "b", "c", "a", "b", "c"]
    assert await world.outcomes() == ["answered"]


@pool()
async def test_a_new_message_is_tried_at_once_and_each_message_is_told_once(world):
    world.model.refuse("a", "b", "c", line=fails("quota"))
    await world.say("ada", "one")
    await world.reply("ada")
    await world.until(seconds=135)
    await world.say("ada", "two")
    assert await world.reply("ada") == KEPT.format("15 s")
    assert world.now == 135
    await world.until(minutes=30)
    assert len(world.shown("ada")) == 2
    world.model.heal()
    await world.until(minutes=60)
    assert world.texts("ada")[2:] == ["you said: two"]
    assert [entry.text for entry in world.model.requests[-1].entries] == ["one", "two"]
    assert await world.outcomes() == ["answered", "answered"]
    await world.settle()
    check(world)


@pool()
async def test_a_message_that_came_while_the_key_recovered_does_not_overtake(world):
    world.model.refuse("a", "b", "c", line=fails("quota"))
    await world.say("ada", "one")
    await world.reply("ada")
    world.model.heal()
    await world.until(seconds=20)
    await world.say("bob", "hi")
    await world.settle()
    await world.until(seconds=30)
    await world.say("ada", "two")
    await world.settle()
    assert ["one", "two"] in [[entry.text for entry in asked.entries] for asked in world.model.requests]
    assert world.texts("ada")[1:] == ["you said: two"]


@lone(options=Gateway(busy="steer"))
async def test_what_a_kept_turn_had_taken_in_is_answered_with_it_also_behind_a_turn_of_its_own(world):
    world.model.script(tool("sleep", s=5), text("Both."))
    await world.say("ada", "/queue one")
    await world.until(seconds=3)
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "and this")
    await world.until(seconds=10)
    assert [(row.state, row.outcome) for row in await world.ledger()] == [("deferred", None)] * 2
    world.model.heal()
    await world.until(minutes=5)
    assert world.texts("ada")[-1] == "Both."
    assert await world.outcomes() == ["answered", "answered"]
    assert [line["messages"] for line in world.lines("turn opened")][-1] == 2
    assert world.db.execute("select count(*) from turn where state = 'finished'").fetchone() == (1,)


@pool()
async def test_what_waits_behind_is_kept_too_told_with_it_and_answered_in_order(world):
    world.model.refuse("a", "b", "c", line=fails("quota", after_s=1))
    await world.say("ada", "one")
    await world.say("ada", "/queue two")
    await world.say("ada", "/queue three")
    await world.reply("ada")
    await world.settle()
    assert [row.state for row in await world.ledger()] == ["deferred"] * 3
    assert len(world.shown("ada")) == 1
    assert len(world.model.keys) == 3
    world.model.heal()
    await world.until(minutes=20)
    assert world.texts("ada")[1:] == ["you said: one", "you said: two", "you said: three"]
    assert await world.outcomes() == ["answered"] * 3
    await world.settle()
    check(world)


@lone()
async def test_three_hundred_kept_conversations_are_one_request_at_a_time(world):
    world.model.refuse("a", line=fails("quota"))
    for n in range(300):
        await world.say(f"u{n}", "hello")
        if n == 0:
            await world.settle()
    await world.settle()
    assert world.model.keys == ["a"]
    await world.until(minutes=30)
    assert len(world.model.keys) <= 61
    assert len(world.lines("turn opened")) <= 300 + 61
    assert all(len(world.shown(f"u{n}")) == 1 for n in range(300))
    world.model.heal()
    await world.until(minutes=31)
    await world.settle()
    assert await world.outcomes() == ["answered"] * 300
    assert all(len(world.shown(f"u{n}")) == 2 for n in range(300))


@lone()
async def test_when_another_conversation_finds_the_key_working_what_was_kept_runs_at_once(world):
    world.model.refuse("a", line=fails("rate_limit", retry_after_s=600))
    for user in ("ada", "bob", "eve"):
        await world.say(user, "hello")
    await world.settle()
    await world.until(seconds=40)
    world.model.heal()
    await world.until(seconds=61)
    await world.settle()
    assert await world.outcomes() == ["answered"] * 3
    assert max(call.at for call in world.platform.calls) <= 61


@lone()
async def test_a_restart_tries_at_once_without_a_second_word_and_lengthens_no_rest(world):
    world.model.refuse("a", line=fails("rate_limit", retry_after_s=3000))
    await world.say("ada", "hello")
    await world.reply("ada")
    (before,) = world.gateway.wiring.cooldowns.views()
    await world.until(seconds=20)
    world.crash()
    await world.start()
    await world.settle()
    assert world.gateway.wiring.cooldowns.views() == [replace(before, used_at=None)]
    assert world.model.keys == ["a"]
    assert len(world.shown("ada")) == 1
    world.model.heal()
    await world.until(seconds=31)
    await world.settle()
    assert world.texts("ada")[1:] == ["you said: hello"]


@lone()
async def test_a_changed_secret_answers_at_the_next_start_at_once(world):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    await world.reply("ada")
    await world.stop()
    world.keys = ("fresh",)
    await world.start()
    assert await world.reply("ada") == "you said: hello"
    assert world.now == 0
    assert world.db.execute("select count(*) from key_cooldown").fetchone() == (0,)


@lone()
async def test_a_key_that_works_again_has_no_row_left(world):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    await world.settle()
    assert world.db.execute("select place, kind, dead from key_cooldown").fetchall() == [("1/1", "quota", 0)]
    world.model.heal()
    await world.until(minutes=1)
    assert world.db.execute("select count(*) from key_cooldown").fetchone() == (0,)


@lone()
async def test_a_rest_from_the_future_does_not_count(world):
    world.clock.offset = 86400.0
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    await world.settle()
    world.crash()
    world.clock.offset = 0.0
    world.model.heal()
    await world.start()
    await world.settle()
    assert world.texts("ada")[1:] == ["you said: hello"]


@lone()
async def test_new_ends_what_is_kept(world):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    await world.reply("ada")
    await world.say("ada", "/new")
    assert await world.reply("ada") == "New session."
    world.model.heal()
    await world.until(hours=2)
    assert await world.outcomes() == ["superseded", "answered"]
    assert len(world.model.requests) == 1
    assert len(world.lines("message superseded")) == 1


@lone()
async def test_what_was_kept_of_somebody_who_may_no_longer_speak_is_dropped_at_the_next_start(world):
    world.model.refuse("a", line=fails("quota"))
    for user in ("ada", "bob"):
        await world.say(user, "hello")
        await world.reply(user)
    await world.stop()
    world.platform.policy = Policy(allow_users=("bob",))
    world.model.heal()
    await world.until(seconds=31)
    await world.start()
    await world.settle()
    assert await world.outcomes() == ["dropped", "answered"]
    assert len(world.shown("ada")) == 1
    assert len(world.lines("message dropped")) == 1


class Pipe(MemoryPlatform):
    """A platform whose input ends when all was handed over."""

    async def serve(self, intake):
        await intake.accept([self.message("ada", "hello")])
        intake.received()


async def test_the_end_of_all_input_waits_for_what_is_kept(autojump_clock):
    async with open_world(platform=Pipe(), keys=["a"], on_exhausted="defer", start=False) as world:
        world.model.refuse("a", line=fails("quota"))
        await world.start()
        await world.reply("ada")
        answers = Answers({}, lambda: None, str)
        answers.gateway = world.gateway
        rested = []

        async def asks() -> None:
            rested.append(await answers.answer(AwaitRest(account="memory/main", chat="ada")))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(asks)
            await world.until(seconds=45)
            assert rested == []
            world.model.heal()
            await world.gateway.finished()
        assert world.now == 60
        assert rested == [Done(text="at rest")]
        assert await world.outcomes() == ["answered"]


@lone()
async def test_stop_counts_what_is_kept_and_it_stays(world):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    await world.reply("ada")
    await world.say("ada", "/stop")
    assert await world.reply("ada") == "Nothing is running. 1 message is waiting."
    world.model.heal()
    assert await world.reply("ada") == "you said: hello"


@lone(options=Gateway(queue_max=2))
async def test_kept_messages_count_in_the_queue(world):
    world.model.refuse("a", line=fails("quota"))
    for n in range(3):
        await world.say("ada", f"m{n}")
        await world.settle()
    assert await world.outcomes() == [None, None, "refused"]


@lone()
async def test_steps_that_were_done_stay_and_are_not_done_again(world):
    world.model.script(tool("sleep", s=10))
    await world.say("ada", "wait a little")
    await world.until(seconds=5)
    world.model.refuse("a", line=fails("quota"))
    assert await world.reply("ada") == KEPT.format("30 s")
    assert world.now == 10
    world.model.heal()
    assert await world.reply("ada") == "you said: wait a little"
    assert world.now == 40
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry"]
    await world.settle()
    check(world)


@pool()
async def test_after_a_day_it_is_refused_and_said(world):
    world.model.refuse("a", "b", "c", line=fails("quota"))
    await world.say("ada", "hello")
    await world.reply("ada")
    await world.until(hours=24, minutes=11)
    assert await world.outcomes() == ["refused"]
    assert world.texts("ada")[1].startswith("I could not answer: no model key can be used")
    assert len(world.shown("ada")) == 2


@pytest.mark.world(options=Gateway(turns_max=1), keys=["a"], on_exhausted="defer")
async def test_kept_messages_hold_no_place_among_the_turns(world):
    world.model.refuse("a", line=fails("quota"))
    await world.say("ada", "hello")
    await world.reply("ada")
    assert world.gateway.wiring.turns.limiter.held == 0
    assert world.gateway.wiring.sessions.live == {}
