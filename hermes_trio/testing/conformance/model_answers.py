"""Clauses of `check_model` about how some providers answer, and what their answers mean all the same."""

from __future__ import annotations

import trio

from hermes_trio.errors import ModelFailed
from hermes_trio.testing.conformance.clauses import Unable, expect
from hermes_trio.testing.conformance.model_trial import ModelTrial, tools, works

SOON_S = 5.0


async def reads_odd_types(trial: ModelTrial) -> None:
    """A piece of text that comes as a number, or in a list, is text; it costs no answer."""
    await trial.provider.answer_in_odd_types("it costs ", "6")
    answer = await trial.ask()
    text = "it costs 6"
    expect((answer.text, answer.finish) == (text, "stop"), f"the text is {text!r}", answer)
    expect("".join(trial.said) == text, f"the pieces are together {text!r}", trial.said)


async def shows_no_thinking_that_stands_in_the_text(trial: ModelTrial) -> None:
    """What a provider thinks at the beginning of its text, between marks, is no text, and no piece of it."""
    await trial.provider.think_in_the_text("I wonder.", "The answer ", "is 6.")
    answer = await trial.ask()
    text = "The answer is 6."
    expect((answer.text, answer.finish) == (text, "stop"), f"the text is {text!r}", answer)
    expect("".join(trial.said) == text, f"the pieces are together {text!r}", trial.said)


async def calls_once_what_comes_twice(trial: ModelTrial) -> None:
    """A call that comes at two places, with one id, is one call."""
    await trial.provider.call_twice("add", '{"a":1}')
    answer = await trial.ask(tools=tools())
    found = [(call.name, call.arguments) for call in answer.calls]
    expect(found == [("add", '{"a":1}')], "one call", found)


async def takes_no_bad_end_for_a_good_one(trial: ModelTrial) -> None:
    """An answer that its provider broke off, by a filter or a refusal, ends with "partial", its text kept."""
    await trial.provider.end_badly("half an ans")
    answer = await trial.ask()
    expect((answer.text, answer.finish) == ("half an ans", "partial"), "the text, 'partial'", answer)


async def an_error_amid_the_answer_is_one(trial: ModelTrial) -> None:
    """An error that comes amid an answer is ModelFailed of its kind, and the next call works."""
    await trial.provider.fail_amid("overload", "half an ans")
    error = await trial.failure()
    expect(error.kind == "overload", "the kind is 'overload'", error.kind)
    await works(trial)


async def keep_alives_are_no_life(trial: ModelTrial) -> None:
    """A provider that only keeps its connection open is given up as a silent one is: "transport"."""
    limit_s = trial.provider.patience_s
    if limit_s is None:
        raise Unable("the model was made without a limit")
    await trial.provider.keep_alive()
    error: ModelFailed | None = None
    with trio.move_on_after(limit_s + SOON_S):
        error = await trial.failure()
    expect(error is not None, f"it gives up after {limit_s} s", "it waits on")
    expect(error is not None and error.kind == "transport", "the kind is 'transport'", error)
    await works(trial)


ANSWERS = (
    reads_odd_types,
    shows_no_thinking_that_stands_in_the_text,
    calls_once_what_comes_twice,
    takes_no_bad_end_for_a_good_one,
    an_error_amid_the_answer_is_one,
    keep_alives_are_no_life,
)
