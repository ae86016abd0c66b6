"""A polite end: who may finish, who is told, what goes on at the next start."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import hangs, open_world
from hermes_trio.text import sentences
from tests.invariants.at_rest import check

# --- a polite end
from tests.scenes import slow, verdicts


@pytest.mark.world(agent=slow)
async def test_a_turn_that_ends_inside_the_window_is_finished_and_delivered(world):
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.stop()
    assert world.now == 10
    assert world.texts("ada", "final") == ["re: work"]
    assert world.db.execute("select state, checkpoint_why from turn").fetchall() == [("finished", "asked")]
    assert world.db.execute("select clean from boot").fetchall() == [(1,)]


@pytest.mark.world(agent=slow)
async def test_after_a_clean_end_the_next_boot_resumes_nothing_and_says_so(world):
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.stop()
    calls = len(world.platform.calls)
    await world.start()
    await world.settle()
    assert len(world.platform.calls) == calls
    assert [(line["turn"], line["verdict"]) for line in world.lines("resume verdict")] == [(None, "clean")]


async def test_the_very_first_boot_has_nothing_to_say_about_an_end(autojump_clock):
    async with open_world(slow) as world:
        assert verdicts(world) == []


@pytest.mark.world(agent=slow, options=GatewayOptions(drain_timeout_s=3))
async def test_a_turn_that_does_not_end_inside_the_window_goes_on_at_the_next_boot(world):
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.stop()
    assert world.now == pytest.approx(4, abs=0.01)
    assert world.db.execute("select state, checkpoint_why from turn").fetchall() == [("running", "asked")]
    assert world.db.execute("select clean from boot").fetchall() == [(0,)]
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["re: work"]
    check(world)


@pytest.mark.world(agent=slow)
async def test_while_draining_messages_are_taken_no_turn_opens_and_each_chat_is_told_once(world):
    await world.say("ada", "work")
    await world.until(seconds=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.stop)
        await world.until(seconds=2)
        for user, word in (("ada", "two"), ("ada", "three"), ("bob", "hello"), ("bob", "hello?")):
            await world.say(user, word)
    notice = sentences.DRAINING
    for chat in ("ada", "bob"):
        assert world.texts(chat, "notice") == [notice]
    assert world.platform.unread == 0
    assert world.texts("ada", "final") == ["re: work"]
    assert len(world.lines("turn opened")) == 1
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["re: work", "re: two + three"]
    assert world.texts("bob", "final") == ["re: hello + hello?"]
    check(world)


async def by_chat(turn):
    if turn.text == "sleep":
        await turn.sleep(5)
        return "slept"
    answer = await turn.ask("Which?") if turn.text.startswith("ask") else None
    if turn.text.endswith("work"):
        await trio.sleep(10)
    return answer or f"re: {turn.text}"


@pytest.mark.world(agent=by_chat)
async def test_an_answer_that_ends_its_turn_while_draining_is_not_said_to_wait(world):
    await world.say("bob", "work")
    await world.say("ada", "ask")
    await world.until(seconds=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.stop)
        await world.until(seconds=2)
        await world.say("ada", "red")
    assert [seen.said for seen in world.shown("ada")] == ["prompt", "final"]


@pytest.mark.parametrize("waits", ["ask", "sleep"])
@pytest.mark.world(agent=by_chat)
async def test_a_turn_that_waits_for_a_person_or_a_clock_does_not_hold_the_drain(world, waits):
    await world.say("ada", waits)
    await world.until(seconds=1)
    await world.stop()
    assert world.now == 1
    assert world.db.execute("select state, checkpoint_why from turn").fetchall() == [("running", "asked")]
    await world.start()
    await world.say("ada", "red")
    await world.until(seconds=8)
    assert world.texts("ada", "final")[0] in ("red", "slept")
    check(world)


@pytest.mark.world(agent=by_chat)
async def test_the_drain_ends_when_the_last_turn_that_works_has_ended(world):
    await world.say("ada", "sleep")
    await world.say("bob", "work")
    await world.say("cy", "ask")
    await world.until(seconds=1)
    await world.stop()
    assert world.now == 10
    assert world.texts("bob", "final") == ["re: work"]
    assert world.texts("ada", "final") == ["slept"]
    assert world.texts("cy", "final") == []


@pytest.mark.world(agent=by_chat)
async def test_a_turn_that_is_answered_while_draining_works_again_and_is_waited_for(world):
    await world.say("bob", "work")
    await world.say("ada", "ask, then work")
    await world.until(seconds=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.stop)
        await world.until(seconds=4)
        await world.say("ada", "red")
    assert world.now == 14
    assert world.texts("ada", "final") == ["red"]
    assert world.texts("bob", "final") == ["re: work"]


@pytest.mark.world(agent=by_chat, options=GatewayOptions(turns_max=1))
async def test_and_so_is_one_that_waits_for_its_place_again(world):
    await world.say("ada", "ask, then work")
    await world.until(seconds=0.5)
    await world.say("bob", "work")
    await world.until(seconds=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.stop)
        await world.until(seconds=2)
        await world.say("ada", "red")
    assert world.now == 20.5
    assert world.texts("ada", "final") == ["red"]


@pytest.mark.world(agent=slow, options=GatewayOptions(queue_max=1))
async def test_a_message_that_is_refused_while_draining_is_not_said_to_be_kept(world):
    await world.say("ada", "work")
    await world.until(seconds=0.5)
    await world.say("ada", "waits")
    await world.until(seconds=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.stop)
        await world.until(seconds=2)
        await world.say("ada", "too much")
    assert [seen.said for seen in world.shown("ada")] == ["refusal", "final"]


@pytest.mark.world(agent=slow)
async def test_commands_run_while_draining(world):
    await world.say("ada", "work")
    await world.until(seconds=1)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(world.stop)
        await world.until(seconds=2)
        await world.say("ada", "/stop")
    assert world.now == pytest.approx(2, abs=0.01)
    assert world.texts("ada") == ["Stopped."]


@pytest.mark.world(agent=slow)
async def test_when_the_drain_has_ended_nothing_more_is_confirmed(world):
    await world.stop()
    await world.say("ada", "hello")
    await world.until(seconds=10)
    assert world.platform.unread == 1
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["re: hello"]


@pytest.mark.world(agent=slow, options=GatewayOptions(turns_max=1))
async def test_a_session_that_waits_for_its_place_opens_no_turn_while_draining(world):
    for user in ("ada", "bob"):
        await world.say(user, "work")
        await world.until(seconds=world.now + 0.1)
    await world.stop()
    assert world.now == 10
    assert len(world.lines("turn opened")) == 1
    await world.start()
    await world.settle()
    assert world.texts("bob", "final") == ["re: work"]


async def planned(turn):
    async def plan():
        await trio.sleep(0.004)
        return "plan"

    await turn.step("model", plan, idempotent=True)
    return f"re: {turn.text}"


# --- everything, everywhere


@pytest.mark.parametrize("what", ["crash", "stop", "hurried stop"])
async def test_down_and_up_at_every_half_millisecond(autojump_clock, what):
    drain_s = 0.003 if what == "hurried stop" else 9.0
    for step in range(40):
        options = GatewayOptions(drain_timeout_s=drain_s)
        async with open_world(planned, seed=step, commit_s=0.001, commands=[], options=options) as world:
            await world.say("ada", "one")
            await trio.sleep(0.002)
            await world.say("ada", "two")
            await trio.sleep(step * 0.0005)
            if what == "crash":
                world.crash()
            else:
                await world.stop()
            await world.say("ada", "three")
            await world.start()
            await world.until(seconds=60)
            check(world)
            assert set(await world.outcomes()) == {"answered"}, world.timeline()
            said = (
                " ".join(world.texts("ada", "final"))
                .replace(" ↻", "")
                .replace("\n", " ")
                .replace("re: ", "")
                .split()
            )
            assert list(dict.fromkeys(said)) == ["one", "two", "three"], world.timeline()


@pytest.mark.world
async def test_a_model_that_hangs_does_not_hold_the_end(world):
    world.model.script(hangs())
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.stop()
    assert world.now == pytest.approx(21, abs=0.01)
