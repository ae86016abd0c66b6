"""The smallest useful World, as a user of the kit meets it."""

from contextlib import suppress

import pytest
import trio

from hermes_trio import AskTimedOut
from hermes_trio.testing import WaitedTooLong, open_world, text, tool


async def test_a_message_goes_in_and_one_answer_comes_out(world):
    await world.say("u1", "hello")
    assert await world.reply("u1") == "you said: hello"
    assert await world.outcomes() == ["answered"]


async def test_a_reminder_survives_a_crash(world):
    world.model.script(tool("sleep", s=3600), text("done"))
    await world.say("u1", "remind me in an hour")
    await world.until(minutes=30)
    world.crash()
    await world.start()
    assert await world.reply("u1") == "done"
    assert world.now == 3600


async def test_a_clean_stop_leaves_nothing_to_resume(world):
    await world.say("u1", "hello")
    await world.reply("u1")
    await world.stop()
    calls = len(world.platform.calls)
    await world.start()
    await world.until(minutes=5)
    assert len(world.platform.calls) == calls
    assert len(world.model.requests) == 1


async def asks(turn):
    return await turn.ask("Pay?", timeout_s=86_400)


@pytest.mark.world(agent=asks)
async def test_a_wait_that_is_too_long_says_how_to_go_further_and_what_is_not_at_rest(world):
    await world.say("ada", "order")
    with pytest.raises(WaitedTooLong) as waited:
        await world.settle()
    assert "(a turn that sleeps or asks does not)" in str(waited.value)
    assert "`await world.until(hours=...)`" in str(waited.value)


async def test_a_button_is_pressed_by_what_is_written_on_it(autojump_clock):
    async def asks(turn):
        return f"{await turn.ask('Which?', choices=['red', 'blue'])} it is"

    async with open_world(asks) as world:
        await world.say("ada", "paint")
        await world.press("ada", "blue")
        assert world.now == 0
        await world.reply("ada")
        assert await world.reply("ada") == "blue it is"
        with pytest.raises(WaitedTooLong, match="for a button 'green' in ada, which shows red, blue"):
            await world.press("ada", "green")


async def asks_again(turn):
    first = await turn.ask("Paint it?", choices=["yes", "no"])
    return f"{first}, {await turn.ask('Both sides?', choices=['yes', 'no'])}"


async def test_a_button_is_pressed_late(autojump_clock):
    async def agent(turn):
        try:
            return await turn.ask("Which colour?", choices=["blue"], timeout_s=60)
        except AskTimedOut:
            return "Then none."

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.settle()
        await world.press("ada", "blue", late=True)
        await world.settle()
        assert await world.outcomes() == ["answered", "expired"]


@pytest.mark.parametrize("second", ["yes", "no"])
async def test_the_button_of_a_question_that_was_answered_is_not_pressed_again(autojump_clock, second):
    async with open_world(asks_again) as world:
        await world.say("ada", "paint")
        await world.press("ada", "yes")
        await world.press("ada", second)
        await world.settle()
        assert world.texts("ada", "final") == [f"yes, {second}"]
        assert world.now == 0


async def test_a_question_that_was_answered_in_words_or_timed_out_has_no_button_any_more(autojump_clock):
    async def asks_thrice(turn):
        try:
            return await turn.ask("Paint it?", choices=["yes"], timeout_s=60)
        except AskTimedOut:
            return await asks_again(turn)

    async with open_world(asks_thrice) as world:
        await world.say("ada", "paint")
        await world.until(seconds=61)
        await world.press("ada", "yes")
        await world.until(seconds=62)
        await world.say("ada", "if you like")
        with pytest.raises(WaitedTooLong, match="shows yes, no; of open questions none"):
            await world.press("ada", "yes")
        assert world.texts("ada", "final") == ["yes, if you like"]


async def test_of_two_open_questions_the_newest_has_its_button_pressed(autojump_clock):
    answers = {}

    async def asks(turn, what):
        with suppress(AskTimedOut):
            answers[what] = await turn.ask(what, choices=["yes"], timeout_s=60, name=what)

    async def asks_two(turn):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(asks, turn, "old")
            await trio.sleep(1)
            nursery.start_soon(asks, turn, "new")
        return "done"

    async with open_world(asks_two) as world:
        await world.say("ada", "ask")
        await world.until(seconds=2)
        await world.press("ada", "yes")
        await world.settle()
        assert list(answers) == ["new"]


async def test_two_people_may_press_at_the_same_moment_and_while_nobody_listens(autojump_clock):
    async def asks(turn):
        return await turn.ask("Who?", choices=["me"])

    async with open_world(asks) as world:
        await world.say("ada", "ask", chat="all", group=True)
        await world.until(seconds=1)
        world.crash()
        for user in ("ada", "bob"):
            await world.press(user, "me", chat="all", group=True)
        await world.start()
        await world.settle()
        assert world.texts("all", "final") == ["me"]


async def test_what_is_due_when_the_longest_wait_ends_still_comes(autojump_clock):
    async def sleeps(turn):
        await turn.sleep(7200)
        return "done"

    async with open_world(sleeps) as world:
        await world.say("ada", "sleep")
        await world.until(hours=1)
        assert await world.reply("ada") == "done"
        assert world.now == 7200
