"""The built-in agent: model and tools until done, bounded."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.agent.agent import ModelAgent
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import fails, hangs, open_world, partial, text, tool
from hermes_trio.testing.scripted_model import Line
from hermes_trio.text.message_notes import OF_MARKS
from hermes_trio.transcript.assembly import UNKNOWN
from hermes_trio.values.transcript import AssistantEntry, ModelAnswer, ToolCall, ToolEntry, UserEntry
from tests.invariants.at_rest import check


class ATool:
    """A tool made of one function of its arguments and call."""

    description = "a tool of a test"
    parameters = {"type": "object"}  # noqa: RUF012

    def __init__(self, name, run, *, idempotent=False):
        self.name = name
        self.idempotent = idempotent
        self._run = run
        self.calls = []

    async def run(self, arguments, call):
        self.calls.append(call.op)
        return await self._run(arguments, call)


def gives(value):
    async def run(arguments, call):
        return value

    return run


async def breaks(arguments, call):
    raise ValueError("no such file")


async def takes_ten(arguments, call):
    await trio.sleep(10)
    return "done"


def many(*calls: tuple[str, str], say: str = "") -> Line:
    """Several calls in one answer, with arguments as raw text."""
    made = tuple(ToolCall(f"c{n}", name, arguments) for n, (name, arguments) in enumerate(calls))
    return Line(ModelAnswer(text=say, calls=made, finish="tool_calls"))


def results(world) -> list[tuple[str, bool]]:
    """(text, failed) of the tool results the model was shown last."""
    return [(e.text, e.failed) for e in world.model.requests[-1].entries if isinstance(e, ToolEntry)]


# --- the loop


@pytest.mark.world(tools=[ATool("look", gives("found it")), ATool("data", gives({"a": [1, 2]}))])
async def test_model_and_tools_until_done(world):
    world.model.script(tool("look", say="Let me look.", where="here"), tool("data"), text("It is there."))
    await world.say("ada", "where is it?")
    await world.settle()
    assert world.texts("ada") == ["It is there."]
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry", "AssistantEntry", "ToolEntry"]
    assert results(world) == [("found it", False), ('{"a":[1,2]}', False)]
    names = world.db.execute("select name, n from step order by at, name").fetchall()
    assert sorted(names) == [("model", 1), ("model", 2), ("model", 3), ("tool data", 1), ("tool look", 1)]
    check(world)


@pytest.mark.world(tools=[ATool("look", gives("x"))])
async def test_several_calls_of_one_answer_are_run_in_order(world):
    world.model.script(many(("look", "{}"), ("look", '{"n": 2}'), ("look", "")), text("done"))
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada", "final") == ["done"]
    assert len(world.tools[-1].calls) == 3
    assert len(set(world.tools[-1].calls)) == 3


async def test_what_the_model_is_told(world):
    await world.say("ada", "hello")
    await world.settle()
    (request,) = world.model.requests
    assert request.prompt == f"You are a helpful assistant.\n\n{OF_MARKS}"
    assert {spec.name for spec in request.tools} == {"now", "sleep"}
    assert request.entries == (UserEntry(text="hello"),)
    assert request.op


async def test_history_over_several_turns_and_after_new(world):
    for word in ("one", "two", "/new", "three"):
        await world.say("ada", word)
        await world.settle()
    texts = [[entry.text for entry in request.entries] for request in world.model.requests]
    assert texts == [["one"], ["one", "you said: one", "two"], ["three"]]


async def test_the_calls_of_a_stopped_turn_are_shown_as_unknown(autojump_clock):
    async with open_world(tools=[ATool("wait", takes_ten)]) as world:
        world.model.script(tool("wait"), text("next"))
        await world.say("ada", "go")
        await world.until(seconds=1)
        await world.say("ada", "/stop")
        await world.say("ada", "what now?")
        await world.settle()
        assert results(world) == [(UNKNOWN, True)]
        assert world.texts("ada", "final") == ["next"]


async def test_the_interim_text_of_a_failed_turn_stays_in_the_transcript(world):
    world.model.script(tool("now", say="Let me look at the clock."), *[fails("unknown")] * 3, text("yes"))
    await world.say("ada", "one")
    await world.settle()
    await world.say("ada", "two")
    await world.settle()
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry", "UserEntry"]


# --- wrong calls


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (("nothing", "{}"), "There is no tool 'nothing'."),
        (("look", "{not json"), "The arguments are no JSON object."),
        (("look", "[1]"), "The arguments are no JSON object."),
        (("look", '{"a": "\\ud800"}'), "The arguments are no JSON object."),
    ],
)
async def test_a_call_that_cannot_be_run_is_told_to_the_model(autojump_clock, call, told):
    look = ATool("look", gives("x"))
    async with open_world(tools=[look]) as world:
        world.model.script(many(call), text("I see"))
        await world.say("ada", "go")
        await world.settle()
        assert results(world) == [(told, True)]
        assert world.texts("ada", "final") == ["I see"]
        assert look.calls == []


class Unprintable(Exception):
    def __str__(self) -> str:
        return "lone \ud800"


async def raises_unprintable(arguments, call):
    raise Unprintable


@pytest.mark.parametrize(
    ("run", "told", "failed"),
    [
        (breaks, "ValueError: no such file", True),
        (raises_unprintable, "Unprintable: lone \ufffd", True),
        (gives("lone \ud800"), "lone \ufffd", False),
        (gives(None), "null", False),
        (gives({1, 2}), "[1,2]", False),
        (gives({"a": type}), None, False),
        (gives({"a": "\ud800"}), None, True),
        (gives("x" * 200_000), "x" * 100_000 + "\n[cut: 200000 characters]", False),
    ],
)
async def test_whatever_a_tool_gives_is_told_to_the_model(autojump_clock, run, told, failed):
    async with open_world(tools=[ATool("look", run)]) as world:
        world.model.script(tool("look"), text("I see"))
        await world.say("ada", "go")
        await world.settle()
        ((text_told, was_failed),) = results(world)
        assert was_failed is failed
        assert told is None or text_told == told
        assert world.texts("ada", "final") == ["I see"]


# --- budgets


@pytest.mark.world(tools=[ATool("look", breaks)])
async def test_the_same_failing_call_three_times_in_a_row_ends_the_turn(world):
    world.model.script(*[tool("look", a=1)] * 5)
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada") == ["I stopped: the tool 'look' failed 3 times in a row in the same way."]
    assert len(world.model.requests) == 3
    assert (await world.ledger())[0].outcome == "failed"


@pytest.mark.world(tools=[ATool("look", breaks)])
async def test_other_arguments_between_begin_the_count_again(world):
    world.model.script(*[tool("look", a=n) for n in (1, 1, 2, 1, 1)], text("given up"))
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada", "final") == ["given up"]


async def test_steps_max_ends_the_turn_visibly(world):
    world.model.script(*[tool("now")] * 100)
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada") == ["I stopped: this took more than 60 steps."]
    # A model call, the tool, and the clock it reads: three steps a round.
    assert len(world.model.requests) == 20


@pytest.mark.world(tools=[ATool("look", gives("x"))])
async def test_one_answer_with_very_many_calls_is_bounded_too(world):
    world.model.script(many(*[("look", "{}")] * 500))
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada") == ["I stopped: this took more than 60 steps."]
    assert len(world.tools[-1].calls) == 59


async def test_an_answer_at_the_last_step_is_an_answer(autojump_clock):
    class OneModel:
        pools, spells, failing = (), (), tuple

        def walk(self, may_ask):
            return self

        async def complete(self, request, on_text, *, on_restart):
            return ModelAnswer(text="done")

    async with open_world(ModelAgent(OneModel(), steps_max=1)) as world:
        await world.say("ada", "go")
        await world.settle()
        assert world.texts("ada", "final") == ["done"]


async def test_three_empty_answers_end_the_turn_visibly(world):
    world.model.script(text(""), text("  \n"), text(""))
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada") == [
        "I could not answer: the model failed (turn 1). Whoever runs me can see why, and mend it."
    ]
    assert [(row.outcome, row.reason) for row in await world.ledger()] == [("failed", "model: unknown")]


@pytest.mark.parametrize("token", ["[SILENT]", " [ SILENT ] ", "NO_REPLY", "(empty)", "<no response>"])
async def test_silence_is_no_word_of_a_model(world, token):
    world.model.script(text(token), text("here I am"), *[text(token)] * 3)
    await world.say("ada", "one")
    await world.settle()
    await world.say("ada", "two")
    await world.settle()
    assert world.texts("ada") == [
        "here I am",
        "I could not answer: the model failed (turn 2). Whoever runs me can see why, and mend it.",
    ]


@pytest.mark.parametrize("word", ["Silent", "empty", "Silent, as ever.", "No"])
async def test_a_word_may_be_an_answer(world, word):
    world.model.script(text(word))
    await world.say("ada", "one")
    assert await world.reply("ada") == word


async def test_an_empty_answer_is_asked_for_again(world):
    world.model.script(text(""), text("now I know"))
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada", "final") == ["now I know"]


@pytest.mark.world(tools=[ATool("now", None)])
async def test_a_call_that_was_written_as_text_is_not_made_and_a_line_says_so(world):
    written = '<tool_call>{"name": "now", "arguments": {}}</tool_call>'
    world.model.script(text(written))
    await world.say("ada", "what time is it?")
    await world.settle()
    line = "(The model wrote a call of a tool as text. Nothing was called: its server reads no calls.)"
    assert world.texts("ada", "final") == [f"{written}\n\n{line}"]


async def test_an_answer_that_was_cut_off_is_said_with_a_line_that_says_so(world):
    world.model.script(partial("half an ans"))
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada", "final") == ["half an ans\n\n(The model's answer was cut off here.)"]
    await world.say("ada", "go on")
    await world.settle()
    assert world.model.requests[-1].entries[1] == AssistantEntry(text=world.texts("ada", "final")[0])


async def test_a_model_that_fails_is_told_in_our_words(world):
    world.model.script(fails("context"))
    await world.say("ada", "go")
    await world.settle()
    assert world.texts("ada") == ["I could not answer: this is too long for the model (turn 1)."]


# --- a crash


@pytest.mark.parametrize(("idempotent", "runs"), [(True, 2), (False, 1)])
async def test_a_tool_that_was_running_is_repeated_only_if_it_is_idempotent(autojump_clock, idempotent, runs):
    slow = ATool("wait", takes_ten, idempotent=idempotent)
    async with open_world(tools=[slow]) as world:
        world.model.script(tool("wait"), text("I see"))
        await world.say("ada", "go")
        await world.until(seconds=5)
        world.crash()
        await world.start()
        await world.settle()
        assert len(slow.calls) == runs
        assert len(set(slow.calls)) == 1
        assert results(world) == ([("done", False)] if idempotent else [(UNKNOWN, True)])
        assert world.texts("ada", "final") == ["I see"]
        check(world)


async def test_a_model_call_that_was_running_is_asked_again_and_an_answered_one_is_not(world):
    world.model.script(tool("now"), text("slowly", after_s=10))
    await world.say("ada", "go")
    await world.until(seconds=5)
    world.crash()
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["slowly"]
    assert len(world.model.requests) == 3
    assert world.model.requests[1].op == world.model.requests[2].op
    assert world.model.requests[1].entries == world.model.requests[2].entries


async def test_a_nested_sleep_is_slept_to_its_end(world):
    world.model.script(tool("sleep", s=100), text("done"))
    await world.say("ada", "go")
    await world.until(seconds=50)
    world.crash()
    await world.start()
    await world.settle()
    assert world.now == 100
    assert world.texts("ada", "final") == ["done"]


async def test_a_clock_that_is_set_back_makes_no_sleep_longer_than_it_was_asked_to_be(world):
    world.model.script(tool("sleep", s=100), text("done"))
    await world.say("ada", "go")
    await world.until(seconds=50)
    world.crash()
    world.clock.offset -= 7200
    await world.start()
    await world.settle()
    assert world.now == 150
    assert world.texts("ada", "final") == ["done"]


async def test_a_tool_loop_under_a_crash_at_every_point(autojump_clock):
    async def act(arguments, call):
        await trio.sleep(0.002)
        return "acted"

    for step in range(60):
        acting = ATool("act", act)
        async with open_world(tools=[acting], seed=step, commit_s=0.001, commands=[]) as world:
            # An answer may be lost in the crash with the commit that would have kept it.
            world.model.script(tool("act", n=1), tool("act", n=2), text("done"), text("done"))
            await world.say("ada", "go")
            await trio.sleep(step * 0.0005)
            world.crash()
            await world.start()
            await world.until(seconds=60)
            check(world, acting.calls)
            assert [final.removesuffix(" ↻") for final in world.texts("ada", "final")][-1] == "done", (
                world.timeline()
            )


@pytest.mark.world(options=GatewayOptions(turn_deadline_s=30))
async def test_the_deadline_ends_a_model_that_hangs(world):
    world.model.script(hangs())
    await world.say("ada", "go")
    await world.settle()
    assert world.now == 30
    assert (await world.ledger())[0].reason == "deadline"
