"""What a message does to a busy session: it is taken in, or interrupts."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import hangs, text, tool
from tests.invariants.at_rest import check

# --- busy = steer
from tests.scenes import echo, slow


@pytest.mark.world(options=GatewayOptions(busy="steer"))
async def test_steer_takes_a_message_in_after_the_tool_results(world):
    world.model.script(tool("sleep", s=10), text("done"))
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "faster")
    await world.settle()
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry", "UserEntry"]
    assert world.model.requests[-1].entries[-1].text == "faster"
    assert await world.outcomes() == ["answered", "answered"]
    assert {row.turn for row in await world.ledger()} == {1}
    assert world.texts("ada", "final") == ["done"]


@pytest.mark.world(options=GatewayOptions(busy="steer"))
async def test_what_arrives_after_the_last_step_is_the_next_turn(world):
    world.model.script(text("first", after_s=5), text("second"))
    await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "two")
    await world.settle()
    assert world.texts("ada", "final") == ["first", "second"]
    assert [row.turn for row in await world.ledger()] == [1, 2]


@pytest.mark.world(options=GatewayOptions(busy="steer"))
async def test_a_message_steered_in_by_an_empty_answer_is_read_before_the_next(world):
    world.model.script(text("", after_s=5), text("done"))
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "faster")
    await world.settle()
    said = [entry.text for entry in world.model.requests[-1].entries]
    assert said == ["work", "faster"]
    assert world.texts("ada", "final") == ["done"]


async def remembers(turn):
    """Deterministic: each step is given what was known when it began."""

    async def look(seen):
        await trio.sleep(1)
        return seen

    first = await turn.step("look", look, turn.text, idempotent=True)
    await turn.sleep(10)
    second = await turn.step("look", look, turn.text, idempotent=True)
    return f"{first} / {second}"


@pytest.mark.world(agent=remembers, options=GatewayOptions(busy="steer"))
async def test_run_again_a_turn_meets_a_steered_message_where_it_met_it_first(world):
    await world.say("ada", "one")
    await world.until(seconds=0.5)
    await world.say("ada", "two")
    await world.until(seconds=5)
    world.crash()
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["one / one\ntwo"]
    check(world)


@pytest.mark.world(options=GatewayOptions(busy="steer"))
async def test_run_again_the_model_meets_a_steered_message_where_it_met_it_first(world):
    world.model.script(tool("sleep", s=10), tool("sleep", s=20), text("done"))
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "faster")
    await world.until(seconds=15)
    world.crash()
    await world.start()
    await world.settle()
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry", "UserEntry", "AssistantEntry", "ToolEntry"]
    assert world.model.requests[-1].entries[3].text == "faster"


# --- busy = interrupt


@pytest.mark.world(agent=slow, options=GatewayOptions(busy="interrupt"))
async def test_interrupt_begins_again_at_once_with_everything(world):
    await world.say("ada", "one")
    await world.until(seconds=5)
    await world.say("ada", "two")
    await world.settle()
    assert world.texts("ada", "final") == ["re: one + two"]
    assert world.now == 15
    assert await world.outcomes() == ["answered", "answered"]
    states = world.db.execute("select state from turn order by id").fetchall()
    assert states == [("stopped",), ("finished",)]
    check(world)


@pytest.mark.world(options=GatewayOptions(busy="interrupt"))
async def test_an_interrupted_message_is_told_to_the_model_once_and_committed_steps_stay(world):
    world.model.script(tool("now"), hangs(), text("done"), text("and again"))
    await world.say("ada", "one")
    await world.until(seconds=5)
    await world.say("ada", "two")
    await world.settle()
    said = [getattr(entry, "text", "") for entry in world.model.requests[-1].entries]
    assert said.count("one") == 1
    assert said.count("two") == 1
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry", "UserEntry"]
    await world.say("ada", "three")
    await world.settle()
    said = [getattr(entry, "text", "") for entry in world.model.requests[-1].entries]
    assert said.count("one") == said.count("two") == said.count("three") == said.count("done") == 1


@pytest.mark.world(agent=slow, options=GatewayOptions(busy="interrupt"), commit_s=0.001)
async def test_a_flood_of_interrupts_loses_nothing(world):
    for n in range(30):
        await world.say("ada", str(n))
        await world.until(seconds=world.now + 0.0017 * n)
    await world.settle()
    assert set(await world.outcomes()) == {"answered"}
    check(world)


# --- /steer


async def test_steer_command_is_taken_in_by_the_running_turn_before_what_waits(world):
    world.model.script(tool("sleep", s=10), text("done"), text("next"))
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "later please")
    await world.say("ada", "/steer faster")
    await world.settle()
    assert [row.turn for row in await world.ledger()] == [1, 2, 1]
    assert world.model.requests[1].entries[-1].text == "faster"
    assert await world.outcomes() == ["answered"] * 3


@pytest.mark.world(agent=echo)
async def test_steer_command_with_nothing_running_is_a_message(world):
    await world.say("ada", "/steer hello")
    await world.settle()
    assert world.texts("ada", "final") == ["re: hello"]


async def test_forwards_that_follow_a_comment_at_once_join_its_turn(world):
    world.model.script(text("for both", after_s=5))
    await world.say("ada", "Is this offer serious?")
    await world.until(seconds=0.5)
    await world.say("ada", "You won a million", forwarded="Carol")
    await world.settle()
    assert world.texts("ada", "final") == ["for both"]
    said = [entry.text for entry in world.model.requests[-1].entries]
    assert said == ["Is this offer serious?", "> You won a million"]
    assert await world.outcomes() == ["answered", "answered"]


@pytest.mark.parametrize(("after_s", "who"), [(1.5, "ada"), (0.5, "bob")])
async def test_a_forward_that_comes_later_or_of_another_waits_its_turn(world, after_s, who):
    world.model.script(text("for the comment", after_s=5), text("for the forward"))
    await world.say("ada", "Is this offer serious?", chat="room", thread="1", group=True)
    await world.until(seconds=after_s)
    await world.say(who, "You won a million", chat="room", thread="1", group=True, forwarded="Carol")
    await world.settle()
    assert world.texts("room", "final", thread="1") == ["for the comment", "for the forward"]
