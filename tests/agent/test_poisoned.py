"""What becomes of a conversation that holds what its model does not take."""

from __future__ import annotations

import pytest

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, hangs, text, tool
from hermes_trio.text import sentences
from hermes_trio.tools.process import tool as process
from hermes_trio.transcript import compaction
from hermes_trio.values.identity import Policy
from tests.agent.picky import TOO_LONG, Picky, heard, noted, picky_world, says
from tests.agent.test_agent import ATool
from tests.invariants.at_rest import check

REFUSED = "I could not answer: the model refused your message (turn {})."


async def test_one_poisoned_message_fails_alone_with_one_sentence(autojump_clock):
    """One bad image, or a stray character, and every later message in the chat fails with 400."""
    model = Picky(poison="☠")
    async with picky_world(model) as world:
        await says(world, "one", "☠", "hello")
        assert world.texts("ada") == ["you said: one", REFUSED.format(2), "you said: hello"]
        assert heard(model.requests[-1]) == ["one", "hello"]
        assert noted(model.requests[-1]) == [compaction.SET_ASIDE]
        assert model.calls == 5  # one of them to see whether it takes anything
        world.crash()
        await world.start()
        await says(world, "again")
        assert world.texts("ada", "final")[-1] == "you said: again"
        assert model.calls == 6
        check(world)


async def test_a_poisoned_conversation_is_set_aside_and_the_message_answered(autojump_clock):
    model = Picky()
    async with picky_world(model) as world:
        await says(world, "one ☠", "two")
        model.poison = "☠"
        await says(world, "hello")
        assert world.texts("ada")[2:] == [f"you said: hello\n\n{sentences.LEFT_OUT}"]
        assert heard(model.requests[-1]) == ["hello"]
        before = model.calls
        await says(world, "again")
        assert heard(model.requests[-1]) == ["hello", "again"]
        assert noted(model.requests[-1]) == [compaction.REFUSED]
        assert model.calls == before + 1
        check(world)


async def test_a_poisoned_result_is_left_out_and_its_call_not_repeated(autojump_clock):
    async def look(arguments, call):
        return "found ☠"

    look = ATool("look", look)
    model = Picky(poison="☠")
    async with picky_world(model, tools=[look]) as world:
        await says(world, "one")
        model.script(tool("look"), text("I could not read it."))
        await says(world, "look")
        assert world.texts("ada") == ["you said: one", "I could not read it."]
        assert len(look.calls) == 1
        assert noted(model.requests[-1]) == [f"{compaction.RESULTS_REFUSED} {compaction.RAN}: look."]
        assert heard(model.requests[-1]) == ["one", "look"]
        await says(world, "hello")
        assert heard(model.requests[-1]) == ["one", "look", "hello"]
        assert world.texts("ada", "final")[-1] == "you said: hello"


async def test_what_ran_does_not_run_again_however_often_the_model_asks_for_it(autojump_clock):
    async def look(arguments, call):
        return f"found ☠ in {arguments}"

    look = ATool("look", look)
    model = Picky(poison="☠")
    async with picky_world(model, tools=[look]) as world:
        model.script(*[tool("look", where="here")] * 20)
        await says(world, "look")
        assert len(look.calls) == 1
        assert "look" in noted(model.requests[-1])[0]


async def test_a_turn_whose_results_are_all_refused_ends(autojump_clock):
    async def look(arguments, call):
        return "found ☠"

    look = ATool("look", look)
    model = Picky(poison="☠")
    async with picky_world(model, tools=[look]) as world:
        model.script(*(tool("look", where=n) for n in range(3)))
        await says(world, "look")
        assert len(look.calls) == 3
        assert world.texts("ada") == [REFUSED.format(1)]
        await says(world, "hello")
        assert world.texts("ada", "final")[-1].startswith("you said: hello")


async def test_a_note_says_of_each_call_what_became_of_it(autojump_clock):
    async def look(arguments, call):
        if arguments:
            raise ValueError("there is no ☠ here")
        return "found ☠"

    look = ATool("look", look)
    model = Picky(poison="☠")
    async with picky_world(model, tools=[look]) as world:
        model.script(tool("look", where="there"), text("I could not read it."))
        await says(world, "look")
        assert noted(model.requests[-1]) == [f"{compaction.RESULTS_REFUSED} {compaction.FAILED}: look."]


async def test_a_poisoned_message_that_was_interrupted_spoils_nothing(autojump_clock):
    model = Picky(poison="☠")
    options = GatewayOptions(busy="interrupt")
    async with picky_world(model, options=options) as world:
        await says(world, "one")
        model.script(hangs())
        model.poison = "\0"
        await world.say("ada", "☠")
        await world.until(seconds=1)
        model.poison = "☠"
        await world.say("ada", "two")
        await world.settle()
        await says(world, "hello")
        assert world.texts("ada", "final")[-1] == "you said: hello"
        assert None not in await world.outcomes()


@pytest.mark.parametrize("refuses", [{"poison": ""}, {"takes": -1}])
async def test_a_model_that_refuses_everything_costs_three_calls_a_message_and_no_message(
    autojump_clock, refuses
):
    """What a wrong prompt, tool or model name breaks is repaired there; then what was said is still known."""
    model = Picky(**refuses)
    async with picky_world(model) as world:
        await says(world, "one", "two", "three")
        sentence = REFUSED if model.poison == "" else TOO_LONG
        assert world.texts("ada") == [sentence.format(n) for n in (1, 2, 3)]
        assert len(model.requests) <= 9
        assert world.lines("set aside") == []
        model.poison, model.takes = "☠", 1000
        await says(world, "four")
        assert world.texts("ada", "final") == ["you said: four"]
        assert heard(model.requests[-1]) == ["one", "two", "three", "four"]
        assert noted(model.requests[-1]) == []
        check(world)


# --- what an earlier turn had called for a message that an interrupt gave back


def finder():
    async def find(arguments, call):
        return "found"

    return ATool("find", find)


async def interrupted(world, model, *lines, then):
    """These answers to "go", which the message `then` interrupts; the model calls the tool again, if let."""
    model.script(*lines)
    await world.say("ada", "go")
    await world.until(seconds=world.now + 0.5)
    model.script(tool("find"), text("done"))
    await world.say("ada", then)
    await world.settle()


async def test_its_calls_are_told_and_not_repeated_where_the_message_behind_it_is_set_aside(autojump_clock):
    """The poisoned message goes, and with it what was shown of the call."""
    find, model = finder(), Picky(poison="☠")
    options = GatewayOptions(busy="interrupt")
    async with picky_world(model, tools=[find], options=options) as world:
        await says(world, "before")
        await interrupted(world, model, tool("find"), hangs(), then="☠")
        assert heard(model.requests[-1]) == ["go"]
        assert noted(model.requests[-1]) == [f"{compaction.SET_ASIDE} {compaction.RAN}: find."]
        assert world.texts("ada", "final")[-1].startswith("done")
        assert len(find.calls) == 1
        check(world)


async def test_its_calls_are_told_and_not_repeated_where_what_was_said_before_is_refused(autojump_clock):
    find, model = finder(), Picky()
    options = GatewayOptions(busy="interrupt")
    async with picky_world(model, tools=[find], options=options) as world:
        await says(world, "before ☠")
        model.script(tool("find"), hangs())
        await world.say("ada", "go")
        await world.until(seconds=world.now + 0.5)
        model.poison = "☠"
        model.script(tool("find"), text("done"))
        await world.say("ada", "two")
        await world.settle()
        assert heard(model.requests[-1]) == ["go", "two"]
        assert noted(model.requests[-1]) == [f"{compaction.REFUSED} {compaction.RAN}: find."]
        assert len(find.calls) == 1
        check(world)


async def test_what_the_gateway_tells_is_no_message_that_waits_an_answered_one_is_not_asked_again(
    autojump_clock,
):
    """The end of a program and a poisoned message make one turn, in which one message waits."""
    model = Picky(poison="☠")
    options = GatewayOptions(busy="interrupt")
    platform = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
    async with picky_world(model, tools=[process], options=options, platform=platform) as world:
        world.processes.script("make", ends_s=5)
        model.script(tool("process", action="start", command="make"), text("It runs."), hangs())
        await world.say("ada", "make it")
        await world.until(seconds=6)
        before = len(model.requests)
        await says(world, "☠")
        assert world.texts("ada", "final") == ["It runs."]
        assert REFUSED.format(3) in world.texts("ada")
        asked = [heard(request)[-1:] for request in model.requests[before:]]
        assert ["make it"] not in asked
        assert len(list(world.record.of("machine", "started"))) == 1
        await says(world, "hello")
        assert world.texts("ada", "final")[-1] == "you said: hello"
        check(world)
