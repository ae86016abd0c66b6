"""turn.ask: a question that waits for its person across everything."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.errors import AskTimedOut, SendRefused, TurnTimedOut
from hermes_trio.testing import MemoryPlatform, open_world
from tests.invariants.at_rest import check


async def asks(turn):
    answer = await turn.ask("Red or blue?", choices=["red", "blue"], timeout_s=600)
    return f"painted {answer}, asked by {turn.text}"


async def asks_plainly(turn):
    try:
        return "you said " + await turn.ask("Which?", timeout_s=600)
    except TurnTimedOut:
        return "nobody answered"


def buttons(world) -> dict[str, str]:
    """label -> token of the newest prompt."""
    prompts = [call.delivery for call in world.platform.calls if call.delivery.choices]
    return {choice.label: choice.token for choice in prompts[-1].choices}


async def asked(world, user="ada", **where) -> None:
    await world.say(user, "paint", **where)
    while not [seen for seen in world.platform.seen.values() if seen.said == "prompt"]:
        await world.platform.changed()
    await trio.sleep(0.01)


@pytest.mark.world(agent=asks)
async def test_a_pressed_choice_is_the_answer(world):
    await asked(world)
    await world.say("ada", "", choice=buttons(world)["blue"])
    await world.settle()
    assert world.texts("ada", "final") == ["painted blue, asked by paint"]
    assert await world.outcomes() == ["answered", "answered"]
    said = [body for (body,) in world.db.execute("select cast(body as text) from entry order by id")]
    assert ["Red or blue?" in body for body in said] == [False, True, False, False]
    check(world)


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
async def test_the_next_message_is_the_answer_whatever_busy_says(autojump_clock, busy):
    async with open_world(asks, options=GatewayOptions(busy=busy)) as world:
        await asked(world)
        await world.say("ada", "green")
        await world.settle()
        assert world.texts("ada", "final") == ["painted green, asked by paint"]
        assert world.platform.reactions == {}


@pytest.mark.world(agent=asks)
async def test_a_command_is_no_answer(world):
    await asked(world)
    await world.say("ada", "/status")
    await world.until(seconds=10)
    assert world.texts("ada", "final") == []
    await world.say("ada", "red")
    await world.settle()
    assert world.texts("ada", "final") == ["painted red, asked by paint"]


@pytest.mark.world(agent=asks)
async def test_what_comes_after_a_reset_is_no_answer_to_what_was_asked_before_it(world):
    await asked(world)
    await world.say("ada", "/new")
    await world.say("ada", "hello")
    await world.until(seconds=10)
    assert await world.outcomes() == ["superseded", "answered", None]
    assert len(world.lines("turn opened")) == 2


@pytest.mark.world(agent=asks)
async def test_an_answer_behind_a_command_that_ends_nothing_is_an_answer(world):
    await asked(world)
    await world.say("ada", "/status")
    await world.say("ada", "red")
    await world.settle()
    assert world.texts("ada", "final") == ["painted red, asked by paint"]
    assert await world.outcomes() == ["answered"] * 3
    check(world)


@pytest.mark.world(agent=asks, options=GatewayOptions(busy="interrupt"))
async def test_what_may_be_the_answer_interrupts_nothing_while_a_command_is_before_it(world):
    await asked(world)
    await world.say("ada", "/status")
    await world.say("ada", "red")
    await world.settle()
    assert world.texts("ada", "final") == ["painted red, asked by paint"]
    assert len(world.lines("turn opened")) == 1


async def asks_and_works(turn):
    answer = await turn.ask("Red or blue?") if "instead" not in turn.text else "nothing"
    await trio.sleep(100)
    return f"painted {answer}, asked by {turn.text}"


@pytest.mark.world(agent=asks_and_works, options=GatewayOptions(busy="interrupt"))
async def test_an_answer_stays_with_the_turn_that_was_interrupted(world):
    await asked(world)
    await world.say("ada", "red")
    await world.until(seconds=10)
    await world.say("ada", "do this instead")
    await world.settle()
    assert world.texts("ada", "final") == ["painted nothing, asked by paint\ndo this instead"]
    assert await world.outcomes() == ["answered", "stopped", "answered"]
    check(world)


@pytest.mark.world(agent=asks)
async def test_what_waited_before_the_question_is_no_answer(world):
    world.platform.push(world.platform.message("ada", "paint"))
    world.platform.push(world.platform.message("ada", "/queue paint again"))
    await world.until(seconds=1)
    assert world.texts("ada", "final") == []
    await world.say("ada", "red")
    await world.until(seconds=2)
    await world.say("ada", "blue")
    await world.settle()
    assert world.texts("ada", "final") == [
        "painted red, asked by paint",
        "painted blue, asked by paint again",
    ]


# --- in a group


GROUP = {"chat": "group", "group": True}


@pytest.mark.world(agent=asks_plainly, session=SessionOptions(scope="chat"))
async def test_in_a_group_only_a_reply_of_the_person_asked_is_the_answer(world):
    await asked(world, "ada", **GROUP)
    prompt = next(seen for seen in world.platform.seen.values() if seen.said == "prompt")
    await world.say("bob", "mine", **GROUP, replies_to=prompt.message_id)
    await world.say("ada", "by the way", **GROUP)
    await world.until(seconds=10)
    assert world.texts("group", "final") == []
    await world.say("ada", "the second", **GROUP, replies_to=prompt.message_id)
    await world.until(seconds=20)
    assert world.texts("group", "final")[0] == "you said the second"


@pytest.mark.parametrize("scope", ["user", "chat"])
async def test_a_press_of_another_person_is_refused_and_the_question_stays_open(autojump_clock, scope):
    async with open_world(asks, session=SessionOptions(scope=scope)) as world:
        await asked(world, "ada", **GROUP)
        await world.say("bob", "", **GROUP, choice=buttons(world)["red"])
        await world.until(seconds=1)
        assert "That question is for somebody else." in world.texts("group")
        assert [row.outcome for row in await world.ledger()][1] == "refused"
        await world.say("ada", "", **GROUP, choice=buttons(world)["blue"])
        await world.settle()
        assert world.texts("group", "final") == ["painted blue, asked by paint"]
        check(world)


async def long_question(turn):
    return "you said " + await turn.ask("Which? " + "very long " * 800)


@pytest.mark.world(agent=long_question)
async def test_a_reply_to_any_part_of_a_long_question_is_the_answer(world):
    await asked(world, "ada", **GROUP)
    await world.until(seconds=1)
    parts = [seen for seen in world.platform.seen.values() if seen.said == "prompt"]
    assert len(parts) > 1
    await world.say("ada", "that one", **GROUP, replies_to=parts[0].message_id)
    await world.settle()
    assert world.texts("group", "final") == ["you said that one"]


class RefusesLastParts(MemoryPlatform):
    """Takes no part of a question but the first."""

    async def deliver(self, delivery):
        if delivery.said == "prompt" and delivery.last:
            await trio.lowlevel.checkpoint()
            raise SendRefused("no")
        return await super().deliver(delivery)


async def long_question_in_vain(turn):
    try:
        return await turn.ask("Which? " + "very long " * 800, timeout_s=3600)
    except AskTimedOut:
        return "in vain"


@pytest.mark.world(agent=long_question_in_vain, platform=RefusesLastParts())
async def test_a_question_of_which_a_later_part_is_refused_is_not_waited_for(world):
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada", "final") == ["in vain"]
    assert world.now == 0


# --- time


@pytest.mark.world(agent=asks_plainly)
async def test_it_times_out_at_its_time(world):
    await asked(world)
    await world.settle()
    assert world.now == pytest.approx(600, abs=0.1)
    assert world.texts("ada", "final") == ["nobody answered"]


@pytest.mark.world(agent=asks)
async def test_a_timeout_that_the_function_does_not_catch_fails_the_turn_visibly(world):
    await asked(world)
    await world.settle()
    assert world.now == pytest.approx(600, abs=0.1)
    assert [row.outcome for row in await world.ledger()] == ["failed"]
    assert [seen.said for seen in world.shown("ada")] == ["prompt", "notice"]


@pytest.mark.world(agent=asks)
async def test_a_press_after_the_time_is_expired_visibly(world):
    await asked(world)
    token = buttons(world)["red"]
    await world.until(seconds=700)
    await world.say("ada", "", choice=token)
    await world.settle()
    assert [row.outcome for row in await world.ledger()] == ["failed", "expired"]
    assert world.shown("ada")[-1].text == "That question is no longer open."
    check(world)


@pytest.mark.world(agent=asks)
async def test_the_second_press_is_expired(world):
    await asked(world)
    for label in ("red", "blue"):
        await world.say("ada", "", choice=buttons(world)[label])
    await world.settle()
    assert world.texts("ada", "final") == ["painted red, asked by paint"]
    assert await world.outcomes() == ["answered", "answered", "expired"]


@pytest.mark.world(agent=asks)
async def test_a_press_on_no_question_of_ours_is_expired(world):
    for token in ("", "x", "1.2", "99.1.0", "1.1.7", "9" * 64):
        await world.say("ada", "", choice=token)
    await world.settle()
    assert set(await world.outcomes()) == {"expired"}


# --- across a restart


@pytest.mark.world(agent=asks)
async def test_after_a_restart_it_is_still_open_and_its_answer_resumes_the_turn(world):
    await asked(world)
    world.crash()
    await world.until(seconds=300)
    await world.start()
    await world.until(seconds=310)
    await world.say("ada", "", choice=buttons(world)["red"])
    await world.settle()
    assert world.texts("ada", "final") == ["painted red, asked by paint"]
    prompts = [seen for seen in world.platform.seen.values() if seen.said == "prompt"]
    assert len(prompts) == 1
    check(world)


@pytest.mark.world(agent=asks)
async def test_an_answer_that_came_while_nobody_lived_is_taken(world):
    await asked(world)
    world.crash()
    await world.say("ada", "green")
    await world.until(seconds=300)
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["painted green, asked by paint"]


@pytest.mark.world(agent=asks)
async def test_an_answer_is_no_message_of_the_turn_when_it_is_run_again(world):
    """The answer's row belongs to the turn; only the question has it."""

    async def slowly(turn):
        answer = await turn.ask("Which?")
        await turn.sleep(100)
        return f"{answer} of {turn.text}"

    async with open_world(slowly) as world:
        await asked(world)
        await world.say("ada", "that")
        await world.until(seconds=50)
        world.crash()
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["that of paint"]
        check(world)


@pytest.mark.world(agent=asks_plainly)
async def test_a_question_whose_time_ran_out_while_nobody_lived_ends_at_once(world):
    await asked(world)
    world.crash()
    await world.until(hours=3)
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["nobody answered"]
    assert world.now == 3 * 3600


@pytest.mark.world(agent=asks)
async def test_a_question_of_a_turn_that_is_not_resumed_is_visibly_over(world):
    await asked(world)
    token = buttons(world)["red"]
    world.crash()
    await world.start(resume=False)
    await world.settle()
    await world.say("ada", "", choice=token)
    await world.settle()
    assert [row.outcome for row in await world.ledger()] == ["failed", "expired"]
    assert world.shown("ada")[-1].text == "That question is no longer open."
    assert [seen.said for seen in world.shown("ada")] == ["prompt", "notice", "reply"]


@pytest.mark.world(agent=asks)
async def test_a_stop_closes_the_question(world):
    await asked(world)
    token = buttons(world)["red"]
    await world.say("ada", "/stop")
    await world.settle()
    await world.say("ada", "", choice=token)
    await world.settle()
    assert await world.outcomes() == ["stopped", "answered", "expired"]


async def test_an_answer_and_a_crash_at_every_point(autojump_clock):
    for step in range(40):
        async with open_world(asks, seed=step, commit_s=0.001, commands=[]) as world:
            await asked(world)
            await world.say("ada", "red")
            await trio.sleep(step * 0.0005)
            world.crash()
            await world.start()
            await world.until(seconds=60)
            check(world)
            assert world.texts("ada", "final")[0].removesuffix(" ↻") == "painted red, asked by paint"


@pytest.mark.parametrize("question", [("", ()), ("\u200b", ()), ("Which?", ("red", "\u200b"))])
async def test_a_question_that_shows_nothing_is_its_agents_mistake(autojump_clock, question):
    text, choices = question

    async def agent(turn):
        return await turn.ask(text, choices=choices)

    async with open_world(agent) as world:
        await world.say("ada", "ask me")
        await world.settle()
        assert [row.reason for row in await world.ledger()] == ["AgentError"]
        assert not [seen for seen in world.platform.seen.values() if seen.said == "prompt"]
