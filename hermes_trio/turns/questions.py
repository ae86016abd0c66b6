"""Questions within a tool call: what a crash makes of the call, and what the transcript has of them.

A call that waits at a question is run again after a crash. Its steps return what they returned; what it does
before a question outside of a step has to be harmless twice (the Tool port says so). When the answer comes,
the mark "goes on" is recorded, and only then does the call go on. From there on its outcome is unknown after
a crash, like that of any other call.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from hermes_trio.values.stored import Answered, StepRow
from hermes_trio.values.transcript import AssistantEntry, Entry, UserEntry

ASK, GOES_ON = "ask", "goes on"
"""The last part of the name of a question within a call, and of the mark that the call goes on behind it."""


class CallQuestions:
    """The questions within the calls of one turn.

    A call is named by its step and the number of that step, `tool delete#1`.

    Args:
        recorded: the turn's steps of earlier attempts.
    """

    def __init__(self, recorded: Sequence[StepRow]) -> None:
        self._asked: dict[str, set[int]] = {}
        self._gone_on: dict[str, set[int]] = {}
        self._answers: dict[tuple[str, int], StepRow] = {}
        for row in recorded:
            call, _, verb = row.name.rpartition("/")
            if call and verb == GOES_ON:
                self._gone_on.setdefault(call, set()).add(row.n)
            elif call and verb == ASK:
                self._asked.setdefault(call, set()).add(row.n)
                if row.state == "done":
                    self.answered(row)

    def stands_at_one(self, call: str) -> bool:
        """Whether the call was at a question when the crash came: no mark says that it went on from there."""
        return not self._asked.get(call, set()) <= self._gone_on.get(call, set())

    def unasked(self, call: str, asked: Collection[tuple[str, int]]) -> int | None:
        """Number of a question that an earlier attempt of the call asked and this one did not, or None."""
        recorded = sorted(self._asked.get(call, ()))
        return next((n for n in recorded if (f"{call}/{ASK}", n) not in asked), None)

    def answered(self, question: StepRow) -> None:
        """A question has its answer."""
        self._answers[question.name, question.n] = question

    def entries(self, call: str) -> list[Entry]:
        """The questions within a call that have their answers, and these, as entries of the transcript."""
        rows = [row for (name, _), row in sorted(self._answers.items()) if name == f"{call}/{ASK}"]
        said = [msgspec.json.decode(row.value, type=Answered) for row in rows]
        return [
            entry
            for one in said
            for entry in (AssistantEntry(text=one.question, interim=True), UserEntry(text=one.answer))
        ]


def going_on(turn: int, call: str, question: StepRow) -> StepRow:
    """The mark that a call goes on after a question: with its answer, or without one in time."""
    return StepRow(
        name=f"{call}/{GOES_ON}",
        n=question.n,
        digest=question.digest,
        op=f"{turn}.{call}/{GOES_ON}.{question.n}",
        state="done",
        value=b"null",
    )
