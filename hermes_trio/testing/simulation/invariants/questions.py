"""What stands before a model as the answer to a question."""

from __future__ import annotations

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Invariant
from hermes_trio.testing.simulation.words import CHOICES, is_question, numbers
from hermes_trio.values.transcript import Entry, UserEntry


class AnsweredByItsAnswer(Invariant):
    """A question that a model is shown has its answer behind it, and nothing that was said otherwise."""

    name = "answer"

    def happened(self, event: Event) -> None:
        """Look behind each question."""
        request = self.facts.last_request
        if event.who != "model" or event.what != "asked" or request is None:
            return
        for question, behind in zip(request.entries, (*request.entries[1:], None), strict=True):
            if is_question(question):
                self.check(self._is_answer(behind), f"{question} has {behind} behind it")

    def _is_answer(self, entry: Entry | None) -> bool:
        if not isinstance(entry, UserEntry):
            return False
        found = [self.facts.inbound_of(n) for n in numbers(entry.text)]
        kinds = {one[1]["kind"] for one in found if one is not None}
        return kinds == {"answer"} if kinds else entry.text in CHOICES
