"""Models that break one clause each: the clause's name, and what is wrong."""

from __future__ import annotations

from typing import get_args

import httpx
import trio
from msgspec.structs import replace

from hermes_trio.errors import ModelFailed, ModelFailure
from hermes_trio.models.providers.anthropic import AnthropicModel
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.testing.conformance.model_provider import Part
from hermes_trio.values.transcript import ModelAnswer, NoteEntry

BROKEN = []
BROKEN_SERVED = []
"""Models of OpenAI's protocol."""


def breaks(*clauses):
    """This class breaks the clauses of these names."""

    def keep(kind):
        BROKEN.extend((clause, kind) for clause in clauses)
        return kind

    return keep


class Asks:
    """Asks the script as it should."""

    name = "broken"
    needs_key = True

    def __init__(self, side):
        self.side, self.right = side, side.model

    async def complete(self, request, *, key, on_text):
        return await self.right.complete(request, key=key, on_text=on_text)


class Answers(Asks):
    """Makes another answer of it."""

    async def complete(self, request, *, key, on_text):
        return self.other(await super().complete(request, key=key, on_text=on_text))


class Fails(Asks):
    """Tells failures otherwise."""

    async def complete(self, request, *, key, on_text):
        try:
            return await super().complete(request, key=key, on_text=on_text)
        except ModelFailed as error:
            raise self.told(error, key) from None


@breaks("says_its_name")
class Nameless(Asks):
    name = ""


@breaks("gives_the_answer_in_pieces_and_whole")
class Backwards(Asks):
    async def complete(self, request, *, key, on_text):
        pieces = []
        answer = await super().complete(request, key=key, on_text=pieces.append)
        for piece in reversed(pieces):
            on_text(piece)
        return answer


@breaks("gives_the_answer_in_pieces_and_whole")
class EmptyPieces(Asks):
    async def complete(self, request, *, key, on_text):
        on_text("")
        return await super().complete(request, key=key, on_text=on_text)


@breaks("gives_the_answer_in_pieces_and_whole")
class LastPieceOnly(Answers):
    def other(self, answer):
        return replace(answer, text=answer.text[-5:])


@breaks("says_nothing_after_its_end")
class SpeaksLater(Asks):
    async def complete(self, request, *, key, on_text):
        answer = await super().complete(request, key=key, on_text=on_text)

        async def later():
            await trio.sleep(0.01)
            on_text("and another thing")

        trio.lowlevel.spawn_system_task(later)
        return answer


@breaks("takes_an_empty_answer")
class NothingIsAnError(Answers):
    def other(self, answer):
        if not answer.text:
            raise ModelFailed("unknown", "an empty answer")
        return answer


@breaks("keeps_every_character")
class Ascii(Answers):
    def other(self, answer):
        return replace(answer, text=answer.text.encode("ascii", "replace").decode())


@breaks("gives_tool_calls")
class OneCall(Answers):
    def other(self, answer):
        return replace(answer, calls=answer.calls[:1])


@breaks("gives_tool_calls")
class OneIdForAll(Answers):
    def other(self, answer):
        return replace(
            answer, calls=tuple(type(call)("c", call.name, call.arguments) for call in answer.calls)
        )


@breaks("says_that_it_was_cut_at_its_limit", "says_that_it_has_no_end")
class AlwaysStops(Answers):
    def other(self, answer):
        return replace(answer, finish="stop")


@breaks("says_that_it_has_no_end")
class NoEndIsAnError(Answers):
    def other(self, answer):
        if answer.finish == "partial":
            raise ModelFailed("transport", "no end event")
        return answer


@breaks("takes_a_whole_transcript")
class KnowsNoNotes(Asks):
    async def complete(self, request, *, key, on_text):
        if any(isinstance(entry, NoteEntry) for entry in request.entries):
            raise TypeError("what is a NoteEntry?")
        return await super().complete(request, key=key, on_text=on_text)


@breaks("tells_the_provider_everything")
class ForgetsThePrompt(Asks):
    async def complete(self, request, *, key, on_text):
        return await super().complete(replace(request, prompt=""), key=key, on_text=on_text)


@breaks("tells_the_provider_everything")
class ForgetsTheTools(Asks):
    async def complete(self, request, *, key, on_text):
        return await super().complete(replace(request, tools=()), key=key, on_text=on_text)


@breaks("uses_the_key_it_is_given")
class KeyOfItsOwn(Asks):
    async def complete(self, request, *, key, on_text):
        return await super().complete(request, key="sk-mine", on_text=on_text)


KINDS = get_args(ModelFailure)


@breaks(*(f"a_refusal_is_{kind}" for kind in KINDS), "a_broken_connection_is_transport")
class OtherKind(Fails):
    def told(self, error, key):
        return ModelFailed(KINDS[KINDS.index(error.kind) - 1], error.why)


@breaks("a_refusal_is_overload", "a_broken_connection_is_transport")
class LeaksALibrarysError(Fails):
    def told(self, error, key):
        return httpx.ReadError("peer closed connection")


@breaks("says_how_long_to_wait")
class ForgetsTheTime(Fails):
    def told(self, error, key):
        return ModelFailed(error.kind, error.why)


@breaks("shows_no_key")
class QuotesTheKey(Fails):
    def told(self, error, key):
        return ModelFailed(error.kind, f"{error.why} {key}")


@breaks("shows_no_key")
class QuotesThePage(Fails):
    def told(self, error, key):
        return ModelFailed(error.kind, f"{error.why} {'x' * 5000}")


class Waits(Asks):
    """A limit is told, and not kept."""

    def __init__(self, side):
        super().__init__(side)
        side.patience_s = 1.0


@breaks("silence_before_the_answer_is_bounded", "silence_within_the_answer_is_bounded")
class WaitsForEver(Waits):
    pass


@breaks("silence_within_the_answer_is_bounded")
class WaitsForTheFirstPieceOnly(Waits):
    async def complete(self, request, *, key, on_text):
        with trio.CancelScope(deadline=trio.current_time() + 1.0) as scope:

            def piece(text):
                scope.deadline = float("inf")
                on_text(text)

            return await super().complete(request, key=key, on_text=piece)
        raise ModelFailed("transport", "silent")


@breaks("silence_before_the_answer_is_bounded")
class SilenceIsAnAnswer(Waits):
    async def complete(self, request, *, key, on_text):
        with trio.move_on_after(1.0):
            return await super().complete(request, key=key, on_text=on_text)
        return ModelAnswer(text="", finish="partial")


@breaks("a_cancelled_call_leaves_nothing")
class Dawdles(Asks):
    async def complete(self, request, *, key, on_text):
        try:
            return await super().complete(request, key=key, on_text=on_text)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(10)


@breaks("a_cancelled_call_closes_its_connection")
class LeavesTheConnection(Asks):
    async def complete(self, request, *, key, on_text):
        try:
            return await super().complete(request, key=key, on_text=on_text)
        except trio.Cancelled:
            self.right.in_flight += 1
            raise


@breaks("calls_at_once_do_not_mix")
class OneBufferForAll(Asks):
    on_text = None

    async def complete(self, request, *, key, on_text):
        self.on_text = on_text
        return await super().complete(request, key=key, on_text=lambda text: self.on_text(text))


@breaks("yields_on_every_path", "asks_nothing_when_cancelled_before")
class NoCheckpoint(Asks):
    async def complete(self, request, *, key, on_text):
        on_text("you said: hello")
        return ModelAnswer(text="you said: hello")


class Forgets(OpenAIModel):
    async def complete(self, request, *, key, on_text):
        answer = await super().complete(request, key=key, on_text=on_text)
        return replace(answer, keepsake=None)


class Talks(OpenAIModel):
    async def complete(self, request, *, key, on_text):
        kept = [
            replace(entry, keepsake=replace(entry.keepsake, of=self.spell.of)) if of_another(entry) else entry
            for entry in request.entries
        ]
        return await super().complete(replace(request, entries=tuple(kept)), key=key, on_text=on_text)


class SpeaksTwice(OpenAIModel):
    async def complete(self, request, *, key, on_text):
        self._extra = {"messages": [{"role": "user", "content": "go"}] * 2}
        return await super().complete(request, key=key, on_text=on_text)


class Insists(OpenAIModel):
    async def complete(self, request, *, key, on_text):
        self.endpoint.quirks = ()
        self.endpoint._suspects = lambda *_: ()
        return await super().complete(request, key=key, on_text=on_text)


class InsistsOnMarks(AnthropicModel):
    async def complete(self, request, *, key, on_text):
        self.endpoint.quirks = ()
        self.endpoint._suspects = lambda *_: ()
        return await super().complete(request, key=key, on_text=on_text)


class ForgetsWhatItPausedAt(AnthropicModel):
    async def complete(self, request, *, key, on_text):
        answer = await super().complete(request, key=key, on_text=on_text)
        return replace(answer, keepsake=None)


def insists(part):
    clause = f"heeds_a_refusal_of_{part.replace(' ', '_')}"
    return clause, InsistsOnMarks if part in ("cache_control", "thinking") else Insists


class Otherwise(OpenAIModel):
    async def complete(self, request, *, key, on_text):
        return self.other(await super().complete(request, key=key, on_text=on_text))


class KnowsNoNumbers(Otherwise):
    def other(self, answer):
        return replace(answer, text=answer.text.rstrip("0123456789"))


class ThinksAloud(Otherwise):
    def other(self, answer):
        return replace(answer, text=f"<think>I wonder.</think>{answer.text}")


class CallsTwice(Otherwise):
    def other(self, answer):
        return replace(answer, calls=answer.calls * 2)


class AnyEndIsGood(Otherwise):
    def other(self, answer):
        return replace(answer, finish="stop")


class HalfIsAnAnswer(OpenAIModel):
    async def complete(self, request, *, key, on_text):
        said = []
        try:
            return await super().complete(request, key=key, on_text=said.append)
        except ModelFailed:
            return ModelAnswer(text="".join(said), finish="partial")


class Patient(OpenAIModel):
    def __init__(self, *args, **more):
        super().__init__(*args, **more | {"first_byte_s": 60.0})


def of_another(entry):
    return getattr(entry, "keepsake", None) is not None


BROKEN_SERVED += [
    ("shows_it_its_own_thoughts_again", Forgets),
    ("shows_it_nobody_elses", Talks),
    ("speaks_in_turn", SpeaksTwice),
    ("goes_on_where_it_paused", ForgetsWhatItPausedAt),
    *(insists(part) for part in get_args(Part)),
    ("reads_odd_types", KnowsNoNumbers),
    ("shows_no_thinking_that_stands_in_the_text", ThinksAloud),
    ("calls_once_what_comes_twice", CallsTwice),
    ("takes_no_bad_end_for_a_good_one", AnyEndIsGood),
    ("an_error_amid_the_answer_is_one", HalfIsAnAnswer),
    ("keep_alives_are_no_life", Patient),
]
