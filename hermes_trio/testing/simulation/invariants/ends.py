"""What becomes of answers that have no good end."""

from __future__ import annotations

from hermes_trio.testing.simulation.endpoint import CUT_OFF, odd_end
from hermes_trio.testing.simulation.facts import Invariant
from hermes_trio.testing.simulation.invariants.causes import ended_turns
from hermes_trio.testing.simulation.words import answered, read
from hermes_trio.text.sentences import PARTIAL


class BadEndsAreTold(Invariant):
    """An answer that its provider broke off, by a limit or a filter, says so where it is read."""

    name = "bad ends"

    def committed(self) -> None:
        """Of each answer that is owed from this commit on."""
        for turn in ended_turns(self.facts.batch):
            assert turn.new is not None
            if turn.new["state"] == "finished":
                owed = self._owed(turn.id)
                broken = [n for n, _ in answered(owed) if self._is_broken_off(n)]
                self.check(
                    PARTIAL in owed or not broken, f"the answer to {broken} was broken off, and says nothing"
                )

    def _owed(self, turn: int) -> str:
        row = self.facts.one(
            "select group_concat(part, ' ') from outbound where turn = ? and said = 'final'", turn
        )
        return str(row[0]) if row is not None else ""

    def _is_broken_off(self, n: int) -> bool:
        spoken = self.facts.by_number.get(n)
        if spoken is None or self.facts.plan.rules.agent != "model":
            return False
        return "odd" in read(spoken.message.text)[1] and odd_end(n) in CUT_OFF
