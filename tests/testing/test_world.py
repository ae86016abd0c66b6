"""The smallest useful World, as a user of the kit meets it."""

import pytest

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


async def test_what_is_due_when_the_longest_wait_ends_still_comes(autojump_clock):
    async def sleeps(turn):
        await turn.sleep(7200)
        return "done"

    async with open_world(sleeps) as world:
        await world.say("ada", "sleep")
        await world.until(hours=1)
        assert await world.reply("ada") == "done"
        assert world.now == 7200
