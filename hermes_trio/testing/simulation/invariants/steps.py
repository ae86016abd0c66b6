"""What of a turn is written down before it is done, and what follows from that after a crash."""

from __future__ import annotations

import re
from collections import defaultdict

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant, turn_of
from hermes_trio.testing.simulation.mirror import Change, Row

LEAVE_S = 2.0
WAKES_MAX = 3
WAKES = ("wake", "match")
PROCESS_EXIT = re.compile(r"process\.(\d+)\.exit")


class WrittenThenDone(Invariant):
    """A tool call is committed before it runs; a step that is recorded is not run again."""

    name = "steps"

    def happened(self, event: Event) -> None:
        """An effect has its intent, and neither it nor a model call has its result already."""
        if event.who == "tool" and event.what == "effect":
            op = str(event.fields["op"])
            state = self._state(op)
            self.check(state != "done", f"{op} takes effect, and is recorded as done")
            self.check(
                bool(event.fields["again"]) or state is not None, f"{op} takes effect without its intent"
            )
        elif event.who == "model" and event.what == "asked" and self.facts.last_request is not None:
            op = self.facts.last_request.op
            self.check(not op or self._state(op) != "done", f"a model is asked for {op}, which is recorded")

    def _state(self, op: str) -> str | None:
        row = self.facts.one("select state from step where turn = ? and op = ?", turn_of(op), op)
        return str(row[0]) if row is not None else None


class SuccessorsWait(Invariant):
    """A successor waits for its predecessor to leave, at most 2 s; then it is left behind."""

    name = "succession"

    def happened(self, event: Event) -> None:
        """Whoever still works when a turn opens was cut at least so long ago."""
        if event.who != "log" or event.what != "turn opened":
            return
        facts = self.facts
        opened = facts.mirror.turn[event.fields["turn"]]
        for op, act in facts.at_work.items():
            turn = act.turn
            if turn == event.fields["turn"] or facts.mirror.turn[turn]["key"] != opened["key"]:
                continue
            cut = facts.now - facts.ended_at.get(turn, facts.now)
            self.check(
                cut >= LEAVE_S - 1e-6, f"turn {event.fields['turn']} opens {cut:.3f} s after {op} was cut"
            )


class EndsAreToldOnce(Invariant):
    """The end of a background process is told once, to the session it was born in, unless it was asked for or
    killed; at most three self-made turns between two messages of people."""

    name = "processes"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._wakes: dict[str, set[int]] = defaultdict(set)

    def changed(self, change: Change) -> None:
        """An end that is told, and a turn that it opens."""
        new = change.new
        if change.table != "inbound" or new is None:
            return
        exited = PROCESS_EXIT.fullmatch(new["native"])
        if exited is not None and change.old is None:
            process = self.facts.mirror.process[int(exited[1])]
            session = self.facts.mirror.session[process["session"]]
            self.check(session["ended_at"] is None, f"{new['native']} is told to a session that has ended")

    def committed(self) -> None:
        """Which turns this commit has opened for nobody but the gateway itself."""
        given = [one.new for one in self.facts.batch if one.table == "inbound" and _is_given(one) and one.new]
        of_people = {row["turn"] for row in given if row["kind"] not in WAKES}
        for row in given:
            if row["turn"] in of_people:
                self._wakes[row["key"]].clear()
            else:
                exited = PROCESS_EXIT.fullmatch(row["native"])
                self._claimed(row, int(exited[1]) if exited else 0)

    def _claimed(self, new: Row, process: int) -> None:
        wakes = self._wakes[new["key"]]
        if process:
            consumed = self.facts.mirror.process[process]["consumed"]
            self.check(not consumed, f"{new['native']} opens a turn, and somebody was told")
        wakes.add(new["turn"])
        self.check(
            len(wakes) <= WAKES_MAX or bool(self.facts.plan.rules.keys),
            f"turns {sorted(wakes)} of {new['key']} were opened by nobody",
        )

    def happened(self, event: Event) -> None:
        """At rest rows that run are processes that live, and none outlives its session unless it is kept."""
        if event.who != "world" or event.what != "rest":
            return
        mirror = self.facts.mirror
        rows = {row["pid"]: row for row in mirror.process.values() if row["state"] == "running"}
        alive = sorted(self.facts.alive)
        self.check(sorted(rows) == alive, f"processes {alive} live, and by the rows {sorted(rows)}")
        for pid, row in rows.items():
            over = mirror.session[row["session"]]["ended_at"] is not None
            self.check(bool(row["keep"]) or not over, f"process {pid} outlives session {row['session']}")


def _is_given(change: Change) -> bool:
    """Whether a message was given to a turn as what it is asked, not to a step of one that works."""
    new = change.new
    return new is not None and change.became("turn") and new["turn"] is not None and new["step"] is None
