"""Why something ended: nothing ends unasked, half, or in two commits."""

from __future__ import annotations

from collections.abc import Iterator

from hermes_trio.testing.simulation.facts import Invariant
from hermes_trio.testing.simulation.mirror import Change, Row

OUTCOMES = {
    "finished": ("answered",),
    "stopped": ("stopped",),
    "reset": ("superseded",),
    "failed": ("failed", "refused"),
    "abandoned": ("failed", "dropped"),
}
"""SEMANTICS.md, Messages: by turn."""

OF_PEOPLE = ("message", "alone", "steer", "answer")
COMMENT_S = 1.0
"""So long before what is passed on a comment on it may come."""

OPERATOR, ITSELF, POLICY = "operator", "asked itself", ("idle", "daily")


class OutcomeByTurn(Invariant):
    """I1 (by turn) finished → answered, stopped → stopped, reset → superseded, failed and abandoned → failed,
    in the commit that ends the turn."""

    name = "I1 turn"

    def committed(self) -> None:
        """Each message of a turn that has ended."""
        for change in ended_turns(self.facts.batch):
            for id, row in self.facts.mirror.inbound.items():
                if row["turn"] == change.id:
                    self.check(
                        row["outcome"] is not None, f"turn {change.id} has ended, its message {id} has not"
                    )
            self._settled(change)

    def _settled(self, turn: Change) -> None:
        assert turn.new is not None
        state = turn.new["state"]
        for change in self.facts.batch:
            if change.table != "inbound" or change.new is None or change.new["turn"] != turn.id:
                continue
            if change.became("outcome") and change.new["kind"] in OF_PEOPLE:
                outcome = change.new["outcome"]
                self.check(outcome in OUTCOMES[state], f"turn {turn.id} is {state}, its message {outcome}")


class NothingUnasked(Invariant):
    """What is stopped or reset was so by somebody, whose command is answered in the same commit."""

    name = "cause"

    def committed(self) -> None:
        """Turns, sessions and messages that have ended."""
        batch = self.facts.batch
        ended = [one for one in batch if one.table == "session" and _has_ended(one)]
        turns = list(ended_turns(batch))
        if not ended and not turns:
            return
        for turn in turns:
            self._turn(turn, {one.id for one in ended})
        for session in ended:
            assert session.new is not None
            self._session(session.id, session.new)

    def _turn(self, turn: Change, ended: set[int]) -> None:
        assert turn.new is not None
        row = turn.new
        if row["state"] == "reset":
            self.check(row["session"] in ended, f"turn {turn.id} is reset, its session has not ended")
        elif row["state"] == "stopped":
            asked = (
                (row["reason"] == OPERATOR and row["session"] in self.facts.operated)
                or bool(self._answered(row["key"]))
                or self._interrupted(turn)
                or self._deferred(turn.id)
            )
            self.check(asked, f"turn {turn.id} is stopped ({row['reason']}), and nobody asked for it")

    def _session(self, id: int, row: Row) -> None:
        why, key = row["why"] or "", row["key"]
        self.check(why != OPERATOR or id in self.facts.operated, f"an operator ended session {id}, unasked")
        if why in (OPERATOR, ITSELF, "stuck") or why.startswith("resumed"):
            return
        if why in POLICY:
            self.check(self.facts.plan.rules.reset != "none", f"a session has ended by the rule {why}")
            return
        commands = self._answered(key)
        self.check(bool(commands), f"a session has ended ({why}), and no command was answered")
        for id, message in self.facts.mirror.inbound.items():
            if message["key"] == key and id < min(commands) and message["kind"] in OF_PEOPLE:
                self.check(
                    message["outcome"] is not None,
                    f"inbound {id} was there before the command {min(commands)}, which reset its session",
                )

    def _answered(self, key: str) -> list[int]:
        """The key's commands that this commit has answered."""
        return [
            one.id
            for one in self.facts.batch
            if one.table == "inbound"
            and one.new is not None
            and one.new["key"] == key
            and one.new["kind"] == "command"
            and one.became("outcome", "answered")
        ]

    def _interrupted(self, turn: Change) -> bool:
        """What it was asked waits again; an answer it was given stays with it, and what was dropped."""
        interrupts = self.facts.plan.rules.busy == "interrupt" or self._is_joined(turn)
        return interrupts and not any(
            row["turn"] == turn.id
            and row["kind"] in ("message", "alone", "steer")
            and row["outcome"] != "dropped"
            for row in self.facts.mirror.inbound.values()
        )

    def _is_joined(self, turn: Change) -> bool:
        """Whether words that were passed on have come right behind the comment of whoever passed them on.

        The turn of the comment begins anew with both, whatever is done with other messages that come amid it.
        """
        inbound = [one for one in self.facts.batch if one.table == "inbound"]
        comments = [one for one in inbound if one.old is not None and one.old["turn"] == turn.id]
        if not comments or self._has_done(turn.id):
            return False
        comment = max(comments, key=lambda one: one.id)
        return any(one.old is None and self._belongs(one.new, comment.new) for one in inbound)

    def _belongs(self, passed_on: Row | None, comment: Row | None) -> bool:
        assert passed_on is not None
        assert comment is not None
        words, said = self.facts.spoken_of(passed_on), self.facts.spoken_of(comment)
        if words is None or said is None or words.message.forwarded is None:
            return False
        same = words.message.address.user == said.message.address.user
        return same and 0 <= passed_on["at"] - comment["at"] <= COMMENT_S

    def _has_done(self, turn: int) -> bool:
        """Whether a step of it has its result."""
        return self.facts.one("select 1 from step where turn = ? and state <> 'intent'", turn) is not None

    def _deferred(self, turn: int) -> bool:
        return any(
            one.table == "inbound"
            and one.old is not None
            and one.old["turn"] == turn
            and one.became("state", "deferred")
            for one in self.facts.batch
        )


class OfRunningTurns(Invariant):
    """Every write of a turn is refused unless the row is running: nothing is given to one that has ended."""

    name = "fence"

    def committed(self) -> None:
        """Entries and messages."""
        for change in self.facts.batch:
            new = change.new
            if new is None or change.table not in ("entry", "inbound") or new["turn"] is None:
                continue
            given = change.old is None if change.table == "entry" else change.became("turn")
            if given:
                self.check(
                    self._runs(new["turn"]) or self._is_muted(new),
                    f"{change.table} {change.id} is given to turn {new['turn']}",
                )

    def _is_muted(self, entry: Row) -> bool:
        """What the gateway had to say once too often stands behind the last turn, where the next finds it."""
        message = self.facts.mirror.inbound.get(entry["inbound"] or 0) if "inbound" in entry else None
        return message is not None and message["reason"] == "muted"

    def _runs(self, turn: int) -> bool:
        row = self.facts.mirror.turn.get(turn)
        return (row is not None and row["state"] == "running") or any(
            one.table == "turn" and one.id == turn and one.became("state") for one in self.facts.batch
        )


def ended_turns(batch: list[Change]) -> Iterator[Change]:
    """The turns that a commit has ended."""
    for change in batch:
        new = change.new
        if (
            change.table == "turn"
            and new is not None
            and change.became("state")
            and new["state"] != "running"
        ):
            yield change


def _has_ended(change: Change) -> bool:
    return (
        change.new is not None
        and change.old is not None
        and change.became("ended_at")
        and (change.new["ended_at"] is not None)
    )
