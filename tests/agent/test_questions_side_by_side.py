"""Questions of one turn that are open side by side: which of them an answer is for."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.errors import AskTimedOut
from hermes_trio.testing import open_world
from tests.agent.questions import asked, buttons, prompts
from tests.invariants.at_rest import check


async def ask_both(turn):
    """Two questions side by side, the second a moment later."""
    answers = {}

    async def ask(name, after_s):
        await trio.sleep(after_s)
        answers[name] = await turn.ask(f"{name}?", choices=("yes", "no"), timeout_s=600, name=f"ask {name}")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, "first", 0)
        nursery.start_soon(ask, "second", 1)
    return f"{answers['first']} and {answers['second']}"


both_asked = pytest.mark.world(agent=ask_both)


async def begin_both(world):
    await world.say("ada", "go")
    await asked(world, 2)


@both_asked
@pytest.mark.parametrize("kill", [False, True])
async def test_messages_answer_in_the_order_of_the_asking(world, kill):
    await begin_both(world)
    if kill:
        world.crash()
        await world.start()
        await world.until(seconds=20)
    await world.say("ada", "one")
    await world.say("ada", "two")
    await world.settle()
    assert world.texts("ada", "final") == ["one and two"]


@both_asked
@pytest.mark.parametrize("kill", [False, True])
async def test_a_button_answers_its_own_question(world, kill):
    await begin_both(world)
    await world.say("ada", "", choice=buttons(world)[1]["no"])
    await world.until(seconds=20)
    if kill:
        world.crash()
        await world.start()
        await world.until(seconds=30)
    await world.say("ada", "one")
    await world.settle()
    assert world.texts("ada", "final") == ["one and no"]


@both_asked
async def test_a_reply_answers_the_question_it_replies_to(world):
    await begin_both(world)
    await world.say("ada", "two", replies_to=prompts(world)[1].message_id)
    await world.say("ada", "one")
    await world.settle()
    assert world.texts("ada", "final") == ["one and two"]


@both_asked
async def test_a_reply_to_a_question_that_is_closed_answers_no_other(world):
    await begin_both(world)
    first = prompts(world)[0].message_id
    await world.say("ada", "yes", replies_to=first)
    await world.say("ada", "yes, I said", replies_to=first)
    await world.until(seconds=20)
    assert world.texts("ada", "final") == []
    await world.say("ada", "no")
    await world.settle()
    assert world.texts("ada", "final")[0] == "yes and no"


async def test_one_whose_time_is_over_leaves_the_other_open(autojump_clock):
    async def ask(turn):
        answers = []

        async def one(name, timeout_s):
            try:
                answers.append(await turn.ask(f"{name}?", timeout_s=timeout_s, name=f"ask {name}"))
            except AskTimedOut:
                answers.append("nobody")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(one, "long", 600)
            nursery.start_soon(one, "short", 10)
        return " and ".join(answers)

    async with open_world(ask) as world:
        await world.say("ada", "go")
        await world.until(seconds=60)
        await world.say("ada", "here I am")
        await world.settle()
        assert world.texts("ada", "final") == ["nobody and here I am"]
        check(world)
