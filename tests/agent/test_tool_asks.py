"""A tool that asks: its call waits for a person across everything, and what it does is done once."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import AskTimedOut
from hermes_trio.testing import faults, open_world, text, tool
from hermes_trio.testing.scripted_model import Line
from hermes_trio.transcript.assembly import UNKNOWN
from hermes_trio.values.transcript import ModelAnswer, ToolCall, UserEntry
from tests.agent.questions import asked, buttons, prompts
from tests.agent.test_agent import ATool, results
from tests.invariants.at_rest import check


class Deletes:
    """A tool that counts, asks, and deletes when it is told to; each is an effect."""

    name, description, idempotent = "delete", "Delete what is old.", False
    parameters = {"type": "object"}  # noqa: RUF012

    def __init__(self, choices=(), takes_s=0.002):
        self.effects = []
        self._choices = choices
        self._takes_s = takes_s

    async def run(self, arguments, call):
        files = await call.step("count", self._count)
        try:
            answer = await call.ask(f"Delete {files} files?", choices=self._choices, timeout_s=600)
        except AskTimedOut:
            answer = "nobody"
        if answer == "yes":
            await trio.sleep(self._takes_s)
            self.effects.append(call.op)
            await trio.sleep(self._takes_s)
        return f"answered: {answer}"

    async def _count(self, *, op):
        self.effects.append(op)
        return 3


def entries(world):
    """The kinds and texts that the model was shown last."""
    return [(type(entry).__name__, entry.text) for entry in world.model.requests[-1].entries]


async def begun(world):
    world.model.script(tool("delete"), text("done"))
    await world.say("ada", "clean up")
    await asked(world)


async def test_it_goes_on_with_the_answer_and_the_model_is_shown_what_was_said(autojump_clock):
    async with open_world(tools=[Deletes()]) as world:
        await begun(world)
        await world.say("ada", "yes")
        await world.settle()
        assert results(world) == [("answered: yes", False)]
        assert world.texts("ada", "final") == ["done"]
        assert await world.outcomes() == ["answered", "answered"]
        said = [("UserEntry", "clean up"), ("AssistantEntry", ""), ("ToolEntry", "answered: yes")]
        said += [("AssistantEntry", "Delete 3 files?"), ("UserEntry", "yes")]
        assert entries(world) == said
        # The next turn, which reads it from the store, is shown the same.
        world.model.script(text("nothing more"))
        await world.say("ada", "and?")
        await world.settle()
        assert entries(world)[:5] == said
        check(world)


async def test_a_crash_while_the_question_is_open_loses_neither_question_nor_call(autojump_clock):
    deletes = Deletes(choices=("yes", "no"))
    async with open_world(tools=[deletes]) as world:
        await begun(world)
        for _ in range(3):
            world.crash()
            await world.start()
            await world.until(seconds=world.now + 10)
        await world.say("ada", "", choice=buttons(world)[0]["yes"])
        await world.settle()
        assert results(world) == [("answered: yes", False)]
        assert len(prompts(world)) == 1
        assert sorted(deletes.effects) == ["1.tool delete#1/step count.1", "1.tool delete.1"]
        check(world, deletes.effects)


async def test_an_answer_that_came_while_nobody_lived_is_the_calls(autojump_clock):
    deletes = Deletes()
    async with open_world(tools=[deletes]) as world:
        await begun(world)
        world.crash()
        await world.say("ada", "yes")
        await world.start()
        await world.settle()
        assert results(world) == [("answered: yes", False)]
        check(world, deletes.effects)


async def test_a_call_that_has_gone_on_is_not_run_again(autojump_clock):
    deletes = Deletes(takes_s=5)
    async with open_world(tools=[deletes]) as world:
        await begun(world)
        await world.say("ada", "yes")
        await world.until(seconds=world.now + 7)
        assert len(deletes.effects) == 2
        world.crash()
        await world.start()
        await world.settle()
        assert results(world) == [(UNKNOWN, True)]
        assert world.texts("ada", "final") == ["done"]
        # What was asked and answered is not lost with the call.
        assert ("UserEntry", "yes") in entries(world)
        check(world, deletes.effects)


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_crash_at_every_commit(autojump_clock, moment):
    """Each thing is done at most once, the person is asked once, and the turn comes to its end."""
    gave = []
    for nth in range(1, 61):
        deletes = Deletes()
        async with open_world(tools=[deletes], seed=nth, commands=[]) as world:
            getattr(world, f"crash_{moment}_commit")(nth)
            world.model.script(tool("delete"), text("done"), text("done"))
            if not await lives_through(world, says_yes):
                break
            check(world, deletes.effects)
            # One whose showing the crash cut off is shown again, marked.
            assert len([one for one in prompts(world) if "↻" not in one.text]) <= 1
            finals = {final.removesuffix(" ↻") for final in world.texts("ada", "final")}
            assert finals == {"done"}, (nth, world.timeline())
            assert await world.outcomes() in (["answered"], ["answered", "answered"])
            gave += [told for told, _ in results(world)] if results(world) else []
    assert nth < 60
    # Unknown is what a call has begun and may have done: before its question, and behind the answer.
    assert set(gave) == {"answered: yes", UNKNOWN}
    assert gave.count(UNKNOWN) <= 5
    assert gave.count("answered: yes") >= 10


async def lives_through(world, answer):
    """Say something, have what is asked answered, start it again when it has crashed; whether it has."""
    crashed = False

    async def revive():
        nonlocal crashed
        await world.crashed()
        crashed = True
        await world.start()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(revive)
        nursery.start_soon(answer, world)
        await world.say("ada", "clean up")
        await trio.sleep(3000)
        nursery.cancel_scope.cancel()
    await world.settle()
    return crashed


async def says_yes(world):
    await asked(world)
    await world.say("ada", "yes")


@pytest.mark.parametrize("command", ["/stop", "/new"])
async def test_a_stop_or_a_reset_closes_the_question_with_its_call(autojump_clock, command):
    deletes = Deletes(choices=("yes", "no"))
    async with open_world(tools=[deletes]) as world:
        await begun(world)
        await world.say("ada", command)
        await world.until(seconds=world.now + 5)
        await world.say("ada", "", choice=buttons(world)[0]["yes"])
        await world.settle()
        outcome = {"/stop": "stopped", "/new": "superseded"}[command]
        assert await world.outcomes() == [outcome, "answered", "expired"]
        assert len(deletes.effects) == 1
        check(world, deletes.effects)


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
async def test_what_is_said_meanwhile_is_the_answer_whatever_busy_says(autojump_clock, busy):
    async with open_world(tools=[Deletes()], options=GatewayOptions(busy=busy)) as world:
        await begun(world)
        await world.say("ada", "no, leave them")
        await world.settle()
        assert results(world) == [("answered: no, leave them", False)]
        check(world)


async def test_what_is_steered_to_a_call_that_has_asked_is_told_once_across_a_crash(autojump_clock):
    deletes = Deletes(takes_s=5)
    async with open_world(tools=[deletes], options=GatewayOptions(busy="steer")) as world:
        await begun(world)
        await world.say("ada", "yes")
        await world.until(seconds=world.now + 1)
        await world.say("ada", "and be quick")
        await world.settle()
        assert [text for _, text in entries(world)].count("and be quick") == 1
        assert world.texts("ada", "final") == ["done"]
        check(world, deletes.effects)


@pytest.mark.parametrize("kill", [False, True])
async def test_the_time_that_a_person_takes_is_not_the_turns(autojump_clock, kill):
    async with open_world(tools=[Deletes()], options=GatewayOptions(turn_deadline_s=30)) as world:
        await begun(world)
        await world.until(seconds=500)
        if kill:
            world.crash()
            await world.start()
            await world.until(seconds=550)
        await world.say("ada", "yes")
        await world.settle()
        assert world.texts("ada", "final") == ["done"]


@pytest.mark.parametrize("kill", [False, True])
async def test_a_question_that_nobody_answers_ends_at_its_time_and_the_call_goes_on(autojump_clock, kill):
    async with open_world(tools=[Deletes()]) as world:
        await begun(world)
        if kill:
            world.crash()
            await world.start()
        await world.settle()
        assert world.now == pytest.approx(600, abs=0.1)
        assert results(world) == [("answered: nobody", False)]
        check(world)


async def test_a_disk_that_refuses_while_the_call_goes_on_makes_it_late(autojump_clock):
    deletes = Deletes()
    async with open_world(tools=[deletes]) as world:
        await begun(world)
        faults.store_full(world, for_s=20)
        await world.say("ada", "yes")
        await world.settle()
        assert results(world) == [("answered: yes", False)]
        check(world, deletes.effects)


async def test_a_call_that_asks_again_after_a_crash_is_answered_once_for_each(autojump_clock):
    async def twice(arguments, call):
        first = await call.ask("Which?", timeout_s=600)
        second = await call.ask("Sure?", timeout_s=600)
        return f"{first}, {second}"

    async with open_world(tools=[ATool("ask", twice)]) as world:
        world.model.script(tool("ask"), text("done"))
        await world.say("ada", "go")
        await asked(world)
        await world.say("ada", "that")
        await asked(world, 2)
        world.crash()
        await world.start()
        await world.until(seconds=30)
        await world.say("ada", "yes")
        await world.settle()
        assert results(world) == [("that, yes", False)]
        assert [prompt.text for prompt in prompts(world)] == ["Which?", "Sure?"]
        assert [e.text for e in world.model.requests[-1].entries if isinstance(e, UserEntry)][1:] == [
            "that",
            "yes",
        ]
        check(world)


async def test_run_again_a_call_that_does_not_ask_what_it_asked_ends_its_turn(autojump_clock):
    runs = []

    async def fickle(arguments, call):
        runs.append(call.op)
        return await call.ask("Sure?") if len(runs) == 1 else "never mind"

    async with open_world(tools=[ATool("ask", fickle)]) as world:
        world.model.script(tool("ask"), text("done"))
        await world.say("ada", "go")
        await asked(world)
        world.crash()
        await world.start()
        await world.settle()
        [closed] = [line for line in world.lines("turn closed") if line["outcome"] != "cut"]
        assert closed["outcome"] == "failed"
        assert "question 1 is recorded and was not asked again" in closed["error"]
        check(world)


# --- two calls of one answer, each of which asks


class Asks:
    """A tool that asks, and says what was answered; each time it goes on with an answer is an effect."""

    description, idempotent = "Ask.", False
    parameters = {"type": "object"}  # noqa: RUF012

    def __init__(self, name):
        self.name = name
        self.effects = []

    async def run(self, arguments, call):
        answer = await call.ask(f"{self.name}?", timeout_s=600)
        self.effects.append(call.op)
        return f"{self.name}: {answer}"


def both():
    """An answer of a model that calls two tools."""
    calls = tuple(ToolCall(f"call-{name}", name, "{}") for name in ("left", "right"))
    return Line(ModelAnswer(calls=calls, finish="tool_calls"))


async def begun_both(world):
    world.model.script(both(), text("done"), text("done"))
    await world.say("ada", "go")
    await asked(world)


async def test_two_calls_of_one_answer_run_one_after_the_other(autojump_clock):
    async with open_world(tools=[Asks("left"), Asks("right")]) as world:
        await begun_both(world)
        await world.until(seconds=60)
        assert [one.text for one in prompts(world)] == ["left?"]
        await world.say("ada", "one")
        await asked(world, 2)
        await world.say("ada", "two")
        await world.settle()
        assert results(world) == [("left: one", False), ("right: two", False)]
        check(world)


async def test_a_crash_at_every_commit_of_two_calls_that_ask(autojump_clock):
    """Each answer reaches the call that asked for it, or nobody knows of that call how it ended."""
    gave = []
    for nth in range(1, 81):
        tools = [Asks("left"), Asks("right")]
        async with open_world(tools=tools, seed=nth, commands=[]) as world:
            world.crash_before_commit(nth)
            world.model.script(both(), text("done"), text("done"))
            if not await lives_through(world, answers_each):
                break
            effects = [op for one in tools for op in one.effects]
            check(world, effects)
            assert len(effects) == len(set(effects))
            assert {final.removesuffix(" ↻") for final in world.texts("ada", "final")} == {"done"}
            assert not [line for line in world.lines("turn closed") if line["outcome"] == "failed"]
            gave += [told for told, _ in results(world)] if results(world) else []
    assert nth < 80
    assert set(gave) <= {"left: to left?", "right: to right?", UNKNOWN}
    # Unknown is only what a crash cut off before a call asked, and behind its answer.
    assert gave.count(UNKNOWN) <= 8
    assert min(gave.count("left: to left?"), gave.count("right: to right?")) >= 10


async def answers_each(world):
    """Answer each prompt as it comes."""
    told = set()
    while True:
        for prompt in prompts(world):
            question = prompt.text.removesuffix(" ↻")
            if question not in told:
                told.add(question)
                await world.say("ada", f"to {question}")
        await trio.sleep(1)
