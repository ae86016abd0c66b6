"""Clauses of `check_model` about what some providers demand of a request, and others do not take."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import get_args

from hermes_trio.testing.conformance.clauses import expect
from hermes_trio.testing.conformance.model_provider import Part
from hermes_trio.testing.conformance.model_trial import HELLO, ModelTrial, tools
from hermes_trio.values.transcript import (
    AssistantEntry,
    Keepsake,
    ModelAnswer,
    ModelRequest,
    NoteEntry,
    ToolCall,
    ToolEntry,
    ToolSpec,
    UserEntry,
)

PARTICULAR = ToolSpec(
    "add",
    "a sum",
    {
        "type": "object",
        "properties": {"more": {"type": ["integer", "null"], "exclusiveMinimum": 0}},
        "additionalProperties": False,
    },
)
"""A tool whose schema has words that some endpoints do not know."""


async def shows_it_its_own_thoughts_again(trial: ModelTrial) -> None:
    """What an answer with calls came with goes back with it, so that the results of the calls are taken."""
    await trial.provider.sign()
    await trial.provider.answer("I look", calls=[("now", "{}"), ("add", '{"a": 1}')], finish="tool_calls")
    answer = await trial.ask(tools=tools())
    await trial.provider.answer("here")
    request = _with_results(answer, *tools())
    expect((await trial.complete(request, trial.said.append)).text == "here", "it is answered", "it is not")


async def shows_it_nobody_elses(trial: ModelTrial) -> None:
    """What another service must see again with its answer is not shown to this one."""
    await trial.provider.answer("here")
    kept = Keepsake("another", {"message": {"thought": "sealed"}, "thinking": [{"type": "sealed"}]})
    call = ToolCall("c1", "now", "{}")
    entries = (UserEntry("go"), AssistantEntry("", (call,), keepsake=kept), ToolEntry("c1", "now", "noon"))
    await trial.complete(ModelRequest(prompt="", entries=entries, tools=tools()), trial.said.append)
    asked = await trial.provider.asked()
    expect("sealed" not in asked, "nothing of it is sent", asked)


async def speaks_in_turn(trial: ModelTrial) -> None:
    """Any transcript is told in an order, and with ids, that the strictest provider takes."""
    await trial.provider.be_strict()
    call = ToolCall("functions.now:0", "now", "{}")
    looked = (AssistantEntry("", (call,)), ToolEntry(call.id, "now", "noon"))
    for entries in (
        (UserEntry("one"), UserEntry("two")),
        (AssistantEntry("before"), NoteEntry("noon"), UserEntry("one")),
        (UserEntry("one"), *looked, *looked, UserEntry("stop"), NoteEntry("noon")),
        (UserEntry("one"), AssistantEntry("so"), AssistantEntry("well"), *looked),
    ):
        await trial.provider.answer("here")
        request = ModelRequest(prompt="be kind", entries=entries, tools=tools())
        answer = await trial.complete(request, trial.said.append)
        expect(answer.text == "here", "it is answered", answer)


async def goes_on_where_it_paused(trial: ModelTrial) -> None:
    """An answer that paused amid a tool of the provider's is "unfinished"; shown as it came, it goes on."""
    await trial.provider.pause("I search.")
    answer = await trial.ask(tools=tools())
    found = (answer.text, answer.calls, answer.finish)
    expect(found == ("I search.", (), "unfinished"), "the text, no calls, 'unfinished'", answer)
    await trial.provider.answer("here")
    said = await trial.complete(_with_results(answer, *tools()), trial.said.append)
    expect(said.text == "here", "it is answered", said)


def _heeds(part: Part) -> Callable[[ModelTrial], Awaitable[None]]:
    async def check(trial: ModelTrial) -> None:
        await trial.provider.lack(part)
        beside = ("I look",) if part == "text beside calls" else ()
        await trial.provider.answer(*beside, calls=[("add", "{}")], finish="tool_calls")
        answer = await trial.ask(tools=(PARTICULAR,))
        request = _with_results(answer, *(() if part == "calls without tools" else (PARTICULAR,)))
        for _ in range(2):
            await trial.provider.answer("here")
            said = await trial.complete(request, trial.said.append)
            expect(said.text == "here", "it is answered", said)

    check.__name__ = f"heeds_a_refusal_of_{part.replace(' ', '_')}"
    check.__doc__ = f"A provider that refuses {part} is asked again at once, in the way that it takes."
    return check


def _with_results(answer: ModelAnswer, *specs: ToolSpec) -> ModelRequest:
    """What is asked when the calls of an answer are done."""
    answered = AssistantEntry(answer.text, answer.calls, answer.finish, keepsake=answer.keepsake)
    results = (ToolEntry(call.id, call.name, "done") for call in answer.calls)
    return ModelRequest(prompt="be kind", entries=(UserEntry(HELLO), answered, *results), tools=specs)


DEMANDS = (
    shows_it_its_own_thoughts_again,
    shows_it_nobody_elses,
    speaks_in_turn,
    goes_on_where_it_paused,
    *(_heeds(part) for part in get_args(Part)),
)
