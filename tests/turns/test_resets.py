"""Who may end a conversation, and which one: a reset hits the session it names, and never the next."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.errors import StaleTurn
from hermes_trio.testing import open_world, rounds, text, tool
from tests.invariants.at_rest import check


async def works(turn):
    await trio.sleep(60)
    return "re: " + turn.text


@pytest.mark.world(agent=works)
async def test_an_operators_reset_comes_too_late_for_a_session_that_a_person_ended(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.until(seconds=2)
    assert await world.gateway.reset(1) is None
    assert await world.gateway.stop(1) is False
    await world.say("ada", "two")
    await world.until(seconds=3)
    assert await world.gateway.reset(1) is None
    assert await world.gateway.stop(1) is False
    await world.settle()
    assert await world.outcomes() == ["superseded", "answered", "answered"]
    assert len(world.lines("reset")) == 1


@pytest.mark.parametrize("verb", ["reset", "stop"])
async def test_an_operator_and_a_person_at_one_instant_never_hit_the_next_session(autojump_clock, verb):
    """A naive operator's verb looks the session up, then acts on its key, whatever is open there by then."""
    for late in range(30):
        async with open_world(works, seed=late) as world:
            await world.say("ada", "one")
            await world.until(seconds=1)
            for one in ("/new", "two"):
                world.platform.push(world.platform.message("ada", one))
            await rounds(late)
            await getattr(world.gateway, verb)(1)
            await world.settle()
            assert (await world.outcomes())[-1] == "answered", f"{late} rounds\n{world.timeline()}"
            hit = [line["turn"] if verb == "stop" else line["session"] - 1 for line in world.lines(verb)]
            by_operator = [
                number
                for number, line in zip(hit, world.lines(verb), strict=True)
                if line["who"] == "operator"
            ]
            assert by_operator in ([], [1]), f"{late} rounds\n{world.timeline()}"
            check(world)


async def test_a_message_in_the_moment_its_idle_session_ends_has_one_end_and_the_next_an_answer(
    autojump_clock,
):
    """Hermes H#99106: the row was ended, the slot in memory stayed, and messages went to a dead runtime."""

    async def agent(turn):
        return "re: " + turn.text

    for late in range(36):
        async with open_world(agent, seed=late) as world:
            for name in ("ada", "bob"):
                world.platform.push(world.platform.message(name, "hello"))
            await world.until(hours=1)
            numbers = {view.key.chat: view.id for view in await world.gateway.session_views()}
            for name in ("ada", "bob"):
                world.platform.push(world.platform.message(name, "still there?"))
            await rounds(late)
            world.platform.push(world.platform.message("bob", "/new"))
            await world.gateway.reset(numbers["ada"])
            await world.settle()
            for name in ("ada", "bob"):
                world.platform.push(world.platform.message(name, "and now?"))
            await world.settle()
            for name in ("ada", "bob"):
                finals = world.texts(name, "final")
                outcome = next(row.outcome for row in (await world.ledger())[2:] if row.chat == name)
                # In time it ended the turn too, as it should; too late, or before, it cost nothing.
                assert outcome in ("answered", "superseded")
                middle = ["re: still there?"] * (outcome == "answered")
                assert finals == ["re: hello", *middle, "re: and now?"], world.timeline()
            check(world)


class Forget:
    """A tool that ends its own conversation."""

    name, description, parameters, idempotent = "forget", "Forget all of this.", {"type": "object"}, False
    came_back = False

    async def run(self, arguments, call):
        await call.reset("the user wished it")
        self.came_back = True


FORGET = Forget()


@pytest.mark.world(tools=[FORGET])
async def test_a_tool_ends_its_conversation_and_does_not_return(world):
    world.model.script(tool("forget"), text("hello, stranger"))
    await world.say("ada", "my name is Ada; forget it")
    await world.settle()
    await world.say("ada", "who am I?")
    await world.settle()
    assert not FORGET.came_back
    assert await world.outcomes() == ["superseded", "answered"]
    assert [entry.text for entry in world.model.requests[-1].entries] == ["who am I?"]
    [line] = world.lines("reset")
    assert (line["who"], line["why"], line["session"]) == ("turn 1", "the user wished it", 2)
    check(world)


class Keep:
    """A tool that keeps its call for later."""

    name, description, parameters, idempotent = "keep", "Keep the call.", {"type": "object"}, False
    call = None

    async def run(self, arguments, call):
        self.call = call
        return "kept"


async def test_a_call_that_outlives_its_turn_resets_nothing(autojump_clock):
    keep = Keep()
    async with open_world(tools=[keep]) as world:
        world.model.script(tool("keep"), text("done"))
        await world.say("ada", "one")
        await world.settle()
        with pytest.raises(StaleTurn):
            await keep.call.reset("late")
        assert world.lines("reset") == []
        await world.say("ada", "two")
        await world.settle()
        assert "one" in [getattr(entry, "text", "") for entry in world.model.requests[-1].entries]
