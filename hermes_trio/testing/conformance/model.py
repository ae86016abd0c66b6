"""`check_model`: what every Model must do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TypeVar, get_args

import trio
from trio.testing import assert_checkpoints

from hermes_trio.errors import ModelFailed, ModelFailure
from hermes_trio.ports.model import Model
from hermes_trio.testing.conformance.clauses import Report, Unable, Unlike, expect, hold_against
from hermes_trio.testing.conformance.model_answers import ANSWERS
from hermes_trio.testing.conformance.model_demands import DEMANDS
from hermes_trio.testing.conformance.model_provider import Provider
from hermes_trio.testing.conformance.model_trial import HELLO, SAID, ModelTrial, tools, works
from hermes_trio.values.transcript import (
    AssistantEntry,
    ModelRequest,
    NoteEntry,
    SummaryEntry,
    ToolCall,
    ToolEntry,
    UserEntry,
)

SOON_S = 5.0
P = TypeVar("P", bound=Provider)


async def says_its_name(trial: ModelTrial) -> None:
    """It has a name for status and log, and says whether it needs a key."""
    named = trial.model.name, trial.model.needs_key
    expect(bool(named[0]) and isinstance(named[0], str) and isinstance(named[1], bool), "both", named)


async def gives_the_answer_in_pieces_and_whole(trial: ModelTrial) -> None:
    """`on_text` gets the text in pieces, in order, together the answer's text; it ends with "stop"."""
    await trial.provider.answer(*SAID)
    answer = await trial.ask()
    text = "".join(SAID)
    expect(answer.text == text, f"the text is {text!r}", answer.text)
    expect("".join(trial.said) == text, f"the pieces are together {text!r}", trial.said)
    expect("" not in trial.said, "no piece is empty", trial.said)
    expect((answer.finish, answer.calls) == ("stop", ()), "it ends with 'stop' and no calls", answer)


async def says_nothing_after_its_end(trial: ModelTrial) -> None:
    """`on_text` is called while the call runs, and never after."""
    await trial.provider.answer(*SAID)
    await trial.ask()
    before = len(trial.said)
    with trio.move_on_after(0.05):
        await trio.sleep_forever()
    expect(len(trial.said) == before, "no piece after the answer", trial.said[before:])


async def takes_an_empty_answer(trial: ModelTrial) -> None:
    """An answer without text is an answer."""
    await trial.provider.answer()
    answer = await trial.ask()
    expect((answer.text, answer.finish) == ("", "stop"), "an empty answer", answer)


async def keeps_every_character(trial: ModelTrial) -> None:
    """Text of any script arrives as it was sent, wherever it was cut into pieces."""
    pieces = ("e\u0301 ", "日本", "語 👨‍👩‍", "👧 \\n", '\n\t"quoted" <&>')
    await trial.provider.answer(*pieces)
    answer = await trial.ask()
    expect(answer.text == "".join(pieces), repr("".join(pieces)), answer.text)


async def gives_tool_calls(trial: ModelTrial) -> None:
    """Tool calls come whole: name and arguments, each with an id of its own, and `finish` is "tool_calls"."""
    wanted = [("now", "{}"), ("add", '{"a": 1, "b": [2]}')]
    await trial.provider.answer("let me see", calls=wanted, finish="tool_calls")
    answer = await trial.ask(tools=tools())
    found = [(call.name, call.arguments) for call in answer.calls]
    expect(found == wanted, f"the calls {wanted}", found)
    expect(len({call.id for call in answer.calls} - {""}) == 2, "two ids", answer.calls)
    expect(answer.finish == "tool_calls", "it ends with 'tool_calls'", answer.finish)


async def says_that_it_was_cut_at_its_limit(trial: ModelTrial) -> None:
    """An answer that reached the provider's limit of length ends with "length", and calls nothing."""
    await trial.provider.answer("long", finish="length")
    answer = await trial.ask()
    expect((answer.text, answer.finish, answer.calls) == ("long", "length", ()), "it ends 'length'", answer)


async def says_that_it_has_no_end(trial: ModelTrial) -> None:
    """A stream without its end event is no error: `finish` is "partial", the text is kept, calls dropped."""
    await trial.provider.answer("half an ans", calls=[("now", "{}")], finish="partial")
    answer = await trial.ask(tools=tools())
    expect(
        (answer.text, answer.finish, answer.calls) == ("half an ans", "partial", ()),
        "the text, 'partial', and no calls",
        answer,
    )


async def takes_a_whole_transcript(trial: ModelTrial) -> None:
    """Everything that a transcript may hold can be asked with: calls with results, notes, summaries, cuts."""
    entries = (
        SummaryEntry("before that we spoke of tea"),
        UserEntry("one"),
        UserEntry("two"),
        AssistantEntry("I look", calls=(ToolCall("c1", "now", "{}"), ToolCall("c2", "add", "no json"))),
        ToolEntry("c1", "now", "noon"),
        ToolEntry("c2", "add", "no such thing", failed=True),
        NoteEntry("a program has ended"),
        AssistantEntry(""),
        AssistantEntry("half an", finish="partial"),
        UserEntry("and now?"),
    )
    await trial.provider.answer("here")
    request = ModelRequest(prompt="be kind", entries=entries, tools=tools())
    answer = await trial.complete(request, trial.said.append)
    expect(answer.text == "here", "it is answered", answer)


async def tells_the_provider_everything(trial: ModelTrial) -> None:
    """The provider hears prompt, transcript and tools."""
    await trial.provider.answer("here")
    entries = (
        UserEntry("first thing"),
        AssistantEntry("I look", calls=(ToolCall("c1", "now", "{}"),)),
        ToolEntry("c1", "now", "half past noon"),
        NoteEntry("a program has ended"),
    )
    request = ModelRequest(prompt="be kind", entries=entries, tools=tools())
    await trial.complete(request, trial.said.append)
    asked = await trial.provider.asked()
    wanted = ("be kind", "first thing", "I look", "half past noon", "a program has ended", "the time", "add")
    missing = [text for text in wanted if text not in asked]
    expect(not missing, "all of it is heard", f"without {missing}")


async def uses_the_key_it_is_given(trial: ModelTrial) -> None:
    """The secret of the call is the one that is used, and no other."""
    if not trial.model.needs_key:
        raise Unable("it needs no key")
    await trial.provider.answer("here")
    await trial.ask()
    used = await trial.provider.key_used()
    expect(used == trial.provider.key, "the key of the call", "another one")


async def a_broken_connection_is_transport(trial: ModelTrial) -> None:
    """A connection that breaks in the middle is ModelFailed "transport", and the next call works."""
    await trial.provider.break_off("half an")
    error = await trial.failure()
    expect(error.kind == "transport", "the kind is 'transport'", error.kind)
    await works(trial)


async def says_how_long_to_wait(trial: ModelTrial) -> None:
    """What the provider says of the time to wait is in the error, in seconds."""
    await trial.provider.fail("rate_limit", retry_after_s=7.0)
    error = await trial.failure()
    wait_s = error.retry_after_s
    expect(wait_s is not None and abs(wait_s - 7.0) < 1.0, "retry_after_s is 7", wait_s)


async def shows_no_key(trial: ModelTrial) -> None:
    """No error shows the key, also where the provider quotes it, and none is longer than a log line."""
    await trial.provider.fail("auth")
    error = await trial.failure()
    expect(len(str(error)) < 1000, "a text for a log line", str(error))


async def silence_before_the_answer_is_bounded(trial: ModelTrial) -> None:
    """A provider that says nothing is given up after the limit the model was made with: "transport"."""
    await _bounded(trial)


async def silence_within_the_answer_is_bounded(trial: ModelTrial) -> None:
    """A provider that falls silent in the middle of its answer is given up too."""
    await _bounded(trial, "half an ", "ans")


async def a_cancelled_call_leaves_nothing(trial: ModelTrial) -> None:
    """Cancelled, a call ends at once and its connection is closed; the next call works."""
    for pieces in ((), ("half an ",)):
        await trial.provider.hang(*pieces)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(trial.ask)
            await trial.provider.hanging()
            began = trio.current_time()
            nursery.cancel_scope.cancel()
        took_s = trio.current_time() - began
        expect(took_s < SOON_S, f"it leaves within {SOON_S:.0f} s", f"it took {took_s:.1f} s")
        await works(trial)


async def a_cancelled_call_closes_its_connection(trial: ModelTrial) -> None:
    """A connection whose answer nobody waits for any more is closed, so that the provider stops too."""
    await trial.provider.hang("half an ")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trial.ask)
        await trial.provider.hanging()
        nursery.cancel_scope.cancel()
    with trio.move_on_after(SOON_S):
        while (open_ := await trial.provider.connections()) > 0:  # noqa: ASYNC110 - another process may count
            await trio.sleep(0.01)
        return
    raise Unlike("no connection is open", open_)


async def calls_at_once_do_not_mix(trial: ModelTrial) -> None:
    """Several calls run at the same time, and each gets the pieces of its own answer."""
    texts = [f"answer {n}" for n in range(10)]
    for text in texts:
        await trial.provider.answer(text[:5], text[5:])
    answers: list[tuple[str, str]] = []

    async def one() -> None:
        said: list[str] = []
        request = ModelRequest(prompt="", entries=(UserEntry(HELLO),))
        answer = await trial.complete(request, said.append)
        answers.append((answer.text, "".join(said)))

    async with trio.open_nursery() as nursery:
        for _ in texts:
            nursery.start_soon(one)
    expect(all(text == said for text, said in answers), "each has its own pieces", answers)
    expect(sorted(text for text, _ in answers) == sorted(texts), "each answer once", answers)


async def yields_on_every_path(trial: ModelTrial) -> None:
    """A call executes a checkpoint, also one that fails."""
    await trial.provider.answer(*SAID)
    await _yields("a call", trial.ask)
    with suppress(Unable):
        await trial.provider.fail("overload")
        await _yields("a call that fails", trial.failure)


async def asks_nothing_when_cancelled_before(trial: ModelTrial) -> None:
    """A call in a scope that is cancelled already says nothing and ends as Cancelled."""
    await trial.provider.answer(*SAID)
    with trio.CancelScope() as scope:
        scope.cancel()
        await trial.ask()
    expect(scope.cancelled_caught, "Cancelled", "it returned")
    expect(trial.said == [], "no text", trial.said)


def _classifies(kind: ModelFailure) -> Callable[[ModelTrial], Awaitable[None]]:
    async def check(trial: ModelTrial) -> None:
        await works(trial)  # so that no part of the request is doubted that it might be asked again without
        await trial.provider.fail(kind)
        error = await trial.failure()
        expect(error.kind == kind, f"the kind is {kind!r}", error.kind)
        await works(trial)

    check.__name__ = f"a_refusal_is_{kind}"
    check.__doc__ = f"A provider that fails so is ModelFailed of the kind {kind!r}, and the next call works."
    return check


async def _bounded(trial: ModelTrial, *pieces: str) -> None:
    limit_s = trial.provider.patience_s
    if limit_s is None:
        raise Unable("the model was made without a limit")
    await trial.provider.hang(*pieces)
    error: ModelFailed | None = None
    with trio.move_on_after(limit_s + SOON_S):
        error = await trial.failure()
    expect(error is not None, f"it gives up after {limit_s} s", "it waits on")
    expect(error is not None and error.kind == "transport", "the kind is 'transport'", error)
    expect("".join(trial.said) == "".join(pieces), f"the pieces {pieces}", trial.said)
    await works(trial)


async def _yields(what: str, call: Callable[[], Awaitable[object]]) -> None:
    try:
        with assert_checkpoints():
            await call()
    except AssertionError as error:
        raise Unlike("a checkpoint is executed", f"{what} had none") from error


MODEL_CLAUSES = (
    says_its_name,
    gives_the_answer_in_pieces_and_whole,
    says_nothing_after_its_end,
    takes_an_empty_answer,
    keeps_every_character,
    gives_tool_calls,
    says_that_it_was_cut_at_its_limit,
    says_that_it_has_no_end,
    takes_a_whole_transcript,
    tells_the_provider_everything,
    *DEMANDS,
    *ANSWERS,
    uses_the_key_it_is_given,
    *(_classifies(kind) for kind in get_args(ModelFailure)),
    a_broken_connection_is_transport,
    says_how_long_to_wait,
    shows_no_key,
    silence_before_the_answer_is_bounded,
    silence_within_the_answer_is_bounded,
    a_cancelled_call_leaves_nothing,
    a_cancelled_call_closes_its_connection,
    calls_at_once_do_not_mix,
    yields_on_every_path,
    asks_nothing_when_cancelled_before,
)


async def check_model(
    make: Callable[[P], Model],
    provider: Callable[[], AbstractAsyncContextManager[P]],
    *,
    only: Collection[str] = (),
) -> Report:
    """Hold a model against the contract of its port, clause by clause, each with a new provider.

    Args:
        make: makes a model that asks this provider.
        provider: opens the other side: a Provider, served while the body runs, with what `make` needs (an
            HTTP client).
        only: names of clauses to look at; empty: all.

    Cancelled, the clause that is looked at is left with everything it opened.

    Raises:
        Broken: an AssertionError whose text names each clause that is broken, what was seen, what is wanted.
    """

    @asynccontextmanager
    async def trial() -> AsyncIterator[ModelTrial]:
        async with provider() as other:
            yield ModelTrial(other, make(other))

    return await hold_against("model", MODEL_CLAUSES, trial, only)
