"""What a turn shows its model, and what is done when that is too long or is refused.

A conversation that grows too long is summarised by a model call of its own; if that call fails, it is cut
without a summary. What a model service refuses as malformed is left out piece by piece, and stays out only if
that helped. All of this happens between steps, so a call and its result stay together. All of it is recorded,
so a turn that is run again shows the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import trio
from msgspec import Struct
from msgspec.structs import replace

from hermes_trio.agent.turn_history import TurnHistory
from hermes_trio.errors import ModelFailed, NoCredentials
from hermes_trio.models.fallback import Walk
from hermes_trio.text.sanitize import clean, cleaned, is_clean
from hermes_trio.transcript import compaction
from hermes_trio.transcript.assembly import message_entry, says_nothing
from hermes_trio.turns.journal import VALUE_MAX
from hermes_trio.turns.turn import Turn, run_of
from hermes_trio.values.transcript import (
    AssistantEntry,
    Entry,
    ModelAnswer,
    ModelRequest,
    NoteEntry,
    Spell,
    SummaryEntry,
    ToolCall,
    ToolSpec,
    UserEntry,
)

FULL = 0.75
"""Of what may be shown; above it the older part is summarised."""

CUTS_MAX = 4
"""In a row; then only what waits for its answer is shown."""

ANSWER_BYTES_MAX = VALUE_MAX // 32 * 31
REFUSALS_MAX = 20
"""Of one request, whatever is left out of it."""

RESULTS_REFUSED_MAX = 2
"""How often a turn goes on without what its tools gave, before it is told that this does not help."""

SUMMARY_CHARS_MAX = 8_000
SUMMARY_S = 60.0
PROBE_S = 30.0


class Asked(Struct, frozen=True, omit_defaults=True):
    """What became of a model call, as recorded: an answer, or a refusal of what was shown."""

    answer: ModelAnswer | None = None
    refused: Literal["context", "malformed"] | None = None
    why: str = ""

    @property
    def final(self) -> bool:
        """It is an answer that ends the turn."""
        answer = self.answer
        if answer is None or answer.calls or answer.finish == "unfinished":
            return False
        return not says_nothing(answer.text)


class Shortened(Struct, frozen=True, omit_defaults=True):
    """How a conversation was shortened, as recorded; without a summary it could not be."""

    summary: SummaryEntry | None = None
    by_model: bool = False


class ContextWindow:
    """What one turn shows its model.

    Args:
        walk: to the models that may answer.
        room: how many characters of the conversation may be shown.
        spells: how the models that may answer want a conversation; none: as entries.

    Attributes:
        notice: what its user is to be told of what became of the conversation.
    """

    def __init__(
        self,
        turn: Turn,
        walk: Walk,
        *,
        prompt: str,
        tools: tuple[ToolSpec, ...],
        room: int,
        spells: Sequence[Spell],
    ) -> None:
        self._turn = turn
        self._walk = walk
        self._prompt = prompt
        self._tools = tools
        self._room = room
        self._history = TurnHistory(turn, spells)
        self.notice = ""
        self._summaries = True
        self._left_out = 0
        self._answers = 0
        self._results_refused = 0
        self._not_again: frozenset[tuple[str, str]] = frozenset()
        self._gone: set[tuple[str, str]] = set()

    async def begin(self) -> None:
        """Take up what was before the turn, and its first messages. Cancelled: nothing has changed."""
        await self._history.begin()
        self.add(*map(message_entry, self._turn.unseen))

    def add(self, *entries: Entry) -> None:
        """Show this from now on."""
        self._history.add(entries)

    def add_answers(self, entries: Sequence[Entry]) -> None:
        """Show what persons were asked within a call, and their answers: they are said like the messages."""
        self._answers += sum(isinstance(entry, UserEntry) for entry in entries)
        self.add(*entries)

    def show_steered(self) -> int:
        """Show the messages that were taken in since the last call; returns how many."""
        taken = self._turn.steered()
        self.add(*(message_entry(one.message) for one in taken))
        return len(taken)

    def was_set_aside(self, call: ToolCall) -> bool:
        """Whether the same was called for these messages before, and a service refused to be shown it."""
        return (call.name, call.arguments) in self._not_again

    def holds(self, call: ToolCall) -> bool:
        """Whether the same was called for these messages before, and its model cannot see that any more.

        Says so once of each call: what is called again then is meant. A summary may mention it with its
        arguments; where it has only the tool's name, or less, a model cannot know what of it is done.
        """
        same = (call.name, call.arguments)
        if same not in self._gone or compaction.is_mentioned(self._all[0], *same):
            return False
        self._gone.discard(same)
        return True

    async def ask(self) -> ModelAnswer:
        """Ask the model, and show it less as long as it refuses what it is shown.

        Raises:
            ModelFailed, NoCredentials: no model could answer. What refuses even the message alone, and not
                everything, leaves the message out of the conversation, so that the next one has its answer.
        """
        without: SummaryEntry | None = None
        refusals = suspected = known = 0
        if self._summaries and self._history.size > self._room * FULL:
            await self._history.open()
            without = await self._shorter(0, self._history.size)
        while (asked := await self._call(without)).answer is None:
            await self._history.open()
            self._turn.restart_stream()
            refusals += 1
            steered = self.show_steered()
            if without is not None:
                without = replace(without, kept=without.kept + steered)
            if asked.refused == "context":
                without = await self._shorter(refusals, self._size_without(without))
            else:
                entries, own = self._all
                if self._results_refused == RESULTS_REFUSED_MAX and compaction.calls_among(entries[own:]):
                    raise ModelFailed(asked.refused or "unknown", asked.why)
                if len(self._turn.messages) > known:
                    known, suspected = len(self._turn.messages), 0
                suspects = compaction.without_suspects(*self._all, asked=self._asked)
                without = suspects[suspected] if suspected < len(suspects) else None
                suspected += 1
            if without is None or refusals == REFUSALS_MAX:
                if await self._refuses_everything() or not await self._set_aside():
                    raise ModelFailed(asked.refused or "unknown", asked.why)
                without, refusals = None, 0
        self.add(*entries_of(asked.answer))
        return asked.answer

    @property
    def _all(self) -> tuple[Sequence[Entry], int]:
        """All that is shown, and where the turn's own entries begin."""
        return self._history.entries, self._history.own

    @property
    def _asked(self) -> int:
        """How many messages of people wait for their answer: what the gateway tells is none."""
        told = sum(not message.note for message in self._turn.messages)
        return told + self._answers - self._left_out

    async def _call(self, without: SummaryEntry | None) -> Asked:
        """One call of the model, as a step; what it is shown without is left out for good if it answers."""

        async def complete(*, op: str) -> Asked:
            request = self._history.request(self._prompt, self._tools, op, without)
            try:
                answer = await self._walk.complete(
                    request, self._turn.stream, on_restart=self._turn.restart_stream
                )
            except ModelFailed as error:
                if error.kind not in ("context", "malformed"):
                    raise
                return Asked(refused=error.kind, why=error.why)
            return Asked(answer=_recordable(answer))

        def entries(asked: Asked) -> list[Entry]:
            if asked.answer is None:
                return []
            left: list[Entry] = [without] if without is not None else []
            return left if asked.final else [*left, *entries_of(asked.answer)]

        asked = await run_of(self._turn).steps.run(
            "model",
            complete,
            idempotent=True,
            type=Asked,
            entries=entries,
            last=lambda asked: asked.final,
        )
        if asked.answer is not None and without is not None:
            self._put(without)
        return asked

    async def _shorter(self, refusals: int, least: int) -> SummaryEntry | None:
        """What to leave out so that less is shown; None if nothing can be. A recorded step.

        Args:
            refusals: how often in a row a model refused what it was shown; 0 when none did yet.
            least: what was shown last, in characters.
        """

        async def shorten(*, op: str) -> Shortened:
            room = self._history.size >> max(1, refusals) if refusals <= CUTS_MAX else 0
            some = compaction.without_some(*self._all, asked=self._asked)
            cuts = (self._cut(room), self._cut(0), *(some if refusals else ()))
            cut = next((cut for cut in cuts if self._size_without(cut) < least), None)
            if cut is None:
                return Shortened()
            if self._summaries and refusals <= 1:
                summary = await self._summary(room, op, readable=room if refusals else 2 * room)
                if summary is not None and self._size_without(summary) < least:
                    return Shortened(summary, by_model=True)
            # What no model refused yet is not cut for a summary's failing: it may do.
            return Shortened(cut if refusals else None)

        made = await run_of(self._turn).steps.run("shorten", shorten, idempotent=True, type=Shortened)
        self._summaries = made.by_model
        steered = self.show_steered()
        return None if made.summary is None else replace(made.summary, kept=made.summary.kept + steered)

    def _cut(self, room: int) -> SummaryEntry:
        return compaction.shortened(*self._all, room, asked=self._asked)

    async def _summary(self, room: int, op: str, *, readable: int) -> SummaryEntry | None:
        """What a model writes of the older part; None if it does not, whatever the reason.

        Args:
            room: characters that may be shown afterwards.
            readable: characters that the model is given to read.
        """
        kept = room * 3 // 4
        entries, own = self._all
        shape = compaction.summary_for(entries, own, kept, text="", asked=self._asked)
        if compaction.size((shape,)) > kept:
            return None
        older = compaction.written_out(entries[: len(entries) - shape.kept], readable)
        text = await self._summarised(older, min(SUMMARY_CHARS_MAX, max(1, room // 4)), op)
        if not text.strip():
            return None
        return compaction.shortened(entries, own, kept, asked=self._asked, summary=text)

    async def _summarised(self, older: str, most: int, op: str) -> str:
        """At most so many characters; none where the model fails or takes too long."""
        pieces: list[str] = []

        def take(piece: str) -> None:
            pieces.append(piece)
            if len(pieces) >= most or len("".join(pieces)) >= most:
                scope.cancel(reason="the summary is long enough")

        request = ModelRequest(prompt=compaction.SUMMARY_PROMPT, entries=(UserEntry(text=older),), op=op)
        with trio.move_on_after(SUMMARY_S) as scope:
            try:
                answer = await self._walk.complete(request, take, on_restart=pieces.clear)
            except (ModelFailed, NoCredentials):
                return ""
            return clean(answer.text)[:most] if answer.finish != "partial" else ""
        text = clean("".join(pieces))[:most]
        return text if scope.cancelled_caught and len(text) == most else ""

    async def _refuses_everything(self) -> bool:
        """Whether a model refuses even what nobody could mind: then no message is at fault. A step."""

        async def probe(*, op: str) -> bool:
            harmless = (UserEntry(text=compaction.HARMLESS),)
            request = ModelRequest(prompt=self._prompt, entries=harmless, tools=self._tools, op=op)
            with trio.move_on_after(PROBE_S):
                try:
                    await self._walk.complete(request, lambda _: None, on_restart=lambda: None)
                except (ModelFailed, NoCredentials) as error:
                    return isinstance(error, ModelFailed) and error.kind in ("context", "malformed")
            return False

        return await run_of(self._turn).steps.run("probe", probe, idempotent=True, type=bool)

    async def _set_aside(self) -> bool:
        """The messages of this turn are not shown to a model again. Whether others have come meanwhile."""

        async def nothing() -> None:
            return None

        left_out = compaction.without_messages(*self._all, asked=self._asked)
        await run_of(self._turn).steps.run(
            "set aside", nothing, idempotent=True, type=None, entries=lambda _: [left_out]
        )
        self._put(left_out)
        return self.show_steered() > 0

    def _put(self, without: SummaryEntry) -> None:
        """Leave this out for good."""
        entries, own = self._all
        self.notice = self.notice or compaction.notice_of(without, entries, own)
        what = compaction.what_of(without)
        gone = compaction.calls_left_out(without, entries, own, self._asked)
        self._results_refused += what in ("results", "both")
        if what in ("results", "earlier", "both", "message"):
            self._not_again |= gone
        self._gone |= gone
        if without.text.startswith(compaction.SET_ASIDE):
            waiting = compaction.unanswered(entries, len(entries), self._asked)
            self._left_out += len(waiting) - len(without.said)
        self._history.put(without)

    def _size_without(self, without: SummaryEntry | None) -> int:
        return compaction.size(self._history.without(without))


def _recordable(answer: ModelAnswer) -> ModelAnswer:
    """The answer as a step can keep it: clean, and of a size; of a larger one its text's beginning."""
    if answer.calls or not is_clean(answer.text):
        answer = msgspec.convert(cleaned(msgspec.to_builtins(answer)), ModelAnswer)
    while len(msgspec.json.encode(answer)) > ANSWER_BYTES_MAX:
        if answer.keepsake is not None and answer.keepsake.data:
            answer = replace(answer, keepsake=replace(answer.keepsake, data={}))
            continue
        calls = answer.calls if answer.text else ()
        answer = replace(answer, text=answer.text[: len(answer.text) // 2], calls=calls)
    return answer


def entries_of(answer: ModelAnswer) -> list[Entry]:
    """A model's answer as the transcript keeps it; of one that has to go on also what the model is told.

    One that paused goes on by being shown what it did.
    """
    entry = AssistantEntry(
        text=answer.text, calls=answer.calls, finish=answer.finish, keepsake=answer.keepsake
    )
    paused = answer.keepsake is not None and bool(answer.keepsake.data)
    return (
        [entry, NoteEntry(text=compaction.GO_ON)] if answer.finish == "unfinished" and not paused else [entry]
    )
