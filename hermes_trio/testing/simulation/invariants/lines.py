"""What the log says."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant, printed
from hermes_trio.testing.simulation.known import Life
from hermes_trio.testing.simulation.mirror import Change, Row

SAID = ("dropped", "refused", "superseded", "expired", "failed")
FOR_GOOD = ("final", "say", "reply", "prompt", "notice", "refusal")
Wanted = tuple[str, Any]


class OneLineEach(Invariant):
    """I11 each event of SEMANTICS.md's log list has exactly one line: session, message id, reason.

    What is wanted is read from the rows. A process that is killed before it can write a line owes none.
    """

    name = "I11"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._wanted: Counter[Wanted] = Counter()
        self._may_be_lost: list[tuple[Wanted, float, Life]] = []
        self._written: Counter[Wanted] = Counter()
        self._opened: Counter[int] = Counter()
        self._closed: Counter[int] = Counter()
        self._checkpoints: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()

    # -- what is wanted

    def changed(self, change: Change) -> None:
        """What a commit wants said."""
        new = change.new
        if new is None:
            return
        if change.table == "inbound":
            self._message(change.id, change)
        elif change.table == "session" and change.old is not None and change.became("ended_at"):
            if new["ended_at"] is not None:
                self._want("reset", printed(new["key"]))
        elif change.table == "outbound" and change.became("state"):
            self._given_up(change.id, new)

    def _given_up(self, id: int, row: Row) -> None:
        if row["said"] in FOR_GOOD and row["state"] in ("failed", "unknown"):
            self._want("send given up", id)

    def _message(self, id: int, change: Change) -> None:
        new = change.new
        assert new is not None
        native = f"{new['account']} {new['native']}"
        in_batch = [one for one in self.facts.batch if one.table == "inbound" and one.id == id and one.new]
        refused = bool(in_batch and in_batch[-1].new and in_batch[-1].new["reason"] == "queue_full")
        if change.old is None and new["outcome"] is None and self.facts.spoken_of(new) and not refused:
            self._want("message accepted", native)
        if new["outcome"] is not None and change.became("outcome") and new["outcome"] in SAID:
            self._want(f"message {new['outcome']}", native)
        stops = new["kind"] == "command" and new["reason"] == "asked"
        if stops and change.became("outcome", "answered"):
            self._want("stop", printed(new["key"]))

    def _want(self, event: str, what: object) -> None:
        life = self.facts.life_of(self.facts.writer[0])
        if life is not None:
            wanted = (event, what)
            self._wanted[wanted] += 1
            self._may_be_lost.append((wanted, self.facts.now + self.facts.grace_s, life))

    # -- what is written

    def happened(self, event: Event) -> None:
        """No line a second time, and none about nothing."""
        if event.who == "world" and event.what == "stop":
            self._checkpoints[event.node] = self._failed[event.node] = 0
        elif event.who == "world" and event.what == "stopped":
            wrote = self._checkpoints[event.node]
            if self.facts.several:
                wrote = wrote or self._failed[event.node]  # other last writes say likewise that they failed
            # Who is stopped between two boots of its node has nothing to mark.
            between = self.facts.several and self.facts.is_late and wrote == 0
            self.check(wrote == 1 or between, f"a stop wrote {wrote} lines about its checkpoint")
        if event.who != "log":
            return
        fields = event.fields
        match event.what:
            case "checkpoint" | "checkpoint failed" if fields.get("why") != "cancelled":
                self._checkpoint(event)
            case "turn opened":
                self._turn(fields["turn"], self._opened)
            case "turn closed":
                self._turn(fields["turn"], self._closed)
                closed, opened = self._closed[fields["turn"]], self._opened[fields["turn"]]
                self.check(
                    closed <= opened, f"turn {fields['turn']} is closed {closed} times, opened {opened}"
                )
            case "reset":
                self._line(event.what, fields["key"])
            case "stop" if fields["who"] != "operator":
                self._line(event.what, fields["key"])
            case "send given up" if "row" in fields:
                self._line(event.what, fields["row"])
            case name if name.startswith("message "):
                account = "/".join(str(fields["key"]).split("/")[:2])
                self._line(name, f"{account} {fields['native']}")

    def _checkpoint(self, event: Event) -> None:
        written, before = event.what == "checkpoint", self._checkpoints[event.node]
        self._failed[event.node] |= not written
        self._checkpoints[event.node] += written or (before == 0 and not self.facts.several)

    def _turn(self, turn: int, lines: Counter[int]) -> None:
        row = self.facts.mirror.turn.get(turn)
        self.check(row is not None, f"a line about turn {turn}, which there is not")
        lines[turn] += 1
        assert row is not None
        if lines is self._opened:
            attempt = row["attempt"]
            self.check(
                lines[turn] <= attempt, f"turn {turn} is opened {lines[turn]} times in {attempt} attempts"
            )

    def _line(self, event: str, what: object) -> None:
        line = (event, what)
        if event == "send given up" and not self._is_for_good(what):
            return  # of what was only live, and may be owed for good by now
        self._written[line] += 1
        self.check(
            self._written[line] <= self._wanted[line],
            f"{event} {what}: {self._written[line]} lines for {self._wanted[line]}",
        )

    def _is_for_good(self, row: object) -> bool:
        found = self.facts.mirror.outbound.get(row) if isinstance(row, int) else None
        return found is not None and found["said"] in FOR_GOOD and found["state"] in ("failed", "unknown")

    # -- both

    def at_rest(self) -> None:
        """Each is there, unless its process was killed before it could be written."""
        lost: Counter[Wanted] = Counter()
        for wanted, known_at, life in self._may_be_lost:
            if life.may_lack(self.facts.thawed(known_at, life.node)):
                lost[wanted] += 1
        for wanted, count in self._wanted.items():
            written = self._written[wanted]
            self.check(
                count - lost[wanted] <= written <= count,
                f"{wanted[0]} {wanted[1]}: {written} lines for {count}",
            )
        crashed = sum(life.untold for life in self.facts.lives)
        crashed += sum(row["buried_at"] is not None for row in self.facts.mirror.boot.values())
        for turn, row in self.facts.mirror.turn.items():
            opened, attempts = self._opened[turn], row["attempt"]
            self.check(
                attempts - crashed <= opened <= attempts,
                f"turn {turn} is opened {opened} times in {attempts} attempts",
            )
            self.check(
                opened - crashed <= self._closed[turn] <= opened,
                f"turn {turn} is opened {opened} times and closed {self._closed[turn]}",
            )
