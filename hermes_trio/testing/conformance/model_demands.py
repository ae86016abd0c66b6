"""Clauses of `check_model` about what some providers demand of a request, and others do not take."""

from __future__ import annotations

from hermes_trio.entries import (
    AssistantEntry,
    Keepsake,
    ModelRequest,
    NoteEntry,
    ToolCall,
    ToolEntry,
    UserEntry,
)
from hermes_trio.testing.conformance.clauses import expect
from hermes_trio.testing.conformance.model_trial import HELLO, ModelTrial, tools, works


async def shows_it_its_own_thoughts_again(trial: ModelTrial) -> None:
    """What an answer with calls came with goes back with it, so that the results of the calls are taken."""
    await trial.provider.sign()
    await trial.provider.answer("I look", calls=[("now", "{}"), ("add", '{"a": 1}')], finish="tool_calls")
    answer = await trial.ask(tools=tools())
    answered = AssistantEntry(answer.text, answer.calls, answer.finish, keepsake=answer.keepsake)
    results = (ToolEntry(call.id, call.name, "done") for call in answer.calls)
    await trial.provider.answer("here")
    request = ModelRequest(prompt="", entries=(UserEntry(HELLO), answered, *results), tools=tools())
    expect((await trial.complete(request, trial.said.append)).text == "here", "it is answered", "it is not")


async def shows_it_nobody_elses(trial: ModelTrial) -> None:
    """What another service must see again with its answer is not shown to this one."""
    await trial.provider.answer("here")
    kept = Keepsake("another", {"message": {"thought": "sealed"}, "thinking": [{"type": "sealed"}]})
    call = ToolCall("c1", "now", "{}")
    entries = (UserEntry("go"), AssistantEntry("", (call,), keepsake=kept), ToolEntry("c1", "now", "noon"))
    await trial.complete(ModelRequest(prompt="", entries=entries, tools=tools()), trial.said.append)
    heard = await trial.provider.heard()
    expect("sealed" not in heard, "nothing of it is heard", heard)


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


async def asks_without_what_is_refused(trial: ModelTrial) -> None:
    """A part of a request that the answer does not need is left out at once where a provider refuses it."""
    await trial.provider.lack()
    for _ in range(2):
        await works(trial)


DEMANDS = (
    shows_it_its_own_thoughts_again,
    shows_it_nobody_elses,
    speaks_in_turn,
    asks_without_what_is_refused,
)
