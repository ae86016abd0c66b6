"""What becomes of programs."""

from __future__ import annotations

import re

import msgspec

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant
from hermes_trio.testing.simulation.mirror import Change
from hermes_trio.values.transcript import ToolEntry

GONE_WITHIN_S = 5.0
STARTED_WITHIN_S = 3.0
EXIT = re.compile(r"process\.(\d+)\.exit")


class EndOnce(Invariant):
    """A process that a stop or a reset has ended does not notify: its completion is told by the commit that
    ends its row while it says running, once."""

    name = "process end"

    def committed(self) -> None:
        """Rows that end, and what is told of them."""
        ends = {
            one.id
            for one in self.facts.batch
            if one.table == "process"
            and one.old is not None
            and one.old["state"] == "running"
            and one.became("state")
        }
        for change in self.facts.batch:
            if change.table == "process" and change.old is not None and change.old["state"] != "running":
                now = None if change.new is None else change.new["state"]
                self.check(now in (None, change.old["state"]), f"process {change.id} ends twice: {now}")
            elif change.table == "inbound" and change.old is None and change.new is not None:
                found = EXIT.fullmatch(change.new["native"])
                self.check(found is None or int(found[1]) in ends, f"{change.new['native']} behind its end")


class ToldOnce(Invariant):
    """A poll that returned exited, a wait, a kill consume the completion: no turn follows from it."""

    name = "process told"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._told: set[int] = set()

    def happened(self, event: Event) -> None:
        """A model sees what a tool said of a process's end."""
        request = self.facts.last_request
        if event.who != "model" or event.what != "asked" or request is None:
            return
        for entry in request.entries:
            if isinstance(entry, ToolEntry) and entry.name == "process" and entry.text.startswith("{"):
                said = msgspec.json.decode(entry.text)
                if said.get("state") != "running":
                    self._told.add(said["id"])

    def changed(self, change: Change) -> None:
        """And no turn is given the same, also not by the step that has told it."""
        new = change.new
        if change.table != "inbound" or new is None or new["turn"] is None or not change.became("turn"):
            return
        if found := EXIT.fullmatch(new["native"]):
            process = int(found[1])
            told = process in self._told or self._says(new["turn"], new["step"] or "") == process
            # What stands in the conversation already comes along with it, and says nothing new.
            news = any(
                one.table == "entry" and one.old is None and one.new and one.new["inbound"] == change.id
                for one in self.facts.batch
            )
            self.check(not (told and news), f"the end of process {process} is told again")

    def _says(self, turn: int, step: str) -> object:
        """The process of whose end a step has told."""
        name, _, n = step.rpartition("#")
        row = self.facts.one("select value from step where turn = ? and name = ? and n = ?", turn, name, n)
        text = msgspec.json.decode(row[0]).get("text", "") if row and name == "tool process" else ""
        said = msgspec.json.decode(text) if text.startswith("{") else {"state": "running"}
        return said["id"] if said["state"] != "running" else None


class KilledAreGone(Invariant):
    """I6 (of a reset and a stop) whoever is ended by its row is gone in time."""

    name = "I6 killed"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._alive: set[int] = set()
        self._ended: dict[int, float] = {}

    def changed(self, change: Change) -> None:
        """A row has ended, its process shall."""
        new = change.new
        if change.table != "process" or new is None or new["pid"] is None or new["state"] == "running":
            return
        if change.became("state") or change.became("pid"):
            self._ended[new["pid"]] = self.facts.now

    def happened(self, event: Event) -> None:
        """A process begins, ends, or is late. What an older life left is looked at elsewhere."""
        if event.who == "machine" and event.what == "started":
            self._alive.add(event.fields["pid"])
        elif event.who == "machine" and event.what == "exited":
            self._alive.discard(event.fields["pid"])
        elif event.who == "world" and event.what in ("crash", "stop", "start", "freeze", "cut off"):
            self._ended.clear()
        for pid in self._alive & self._ended.keys():
            late = self.facts.now - self._ended[pid] > GONE_WITHIN_S + self.facts.grace_s
            self.check(not late or self._is_excused(pid), f"process {pid} lives on, its row has ended")

    def _is_excused(self, pid: int) -> bool:
        return self._ended[pid] <= self.facts.store_late_until


class RowsAreProcesses(Invariant):
    """A row that says that a program runs gets its process, or its end."""

    name = "process row"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._begun: dict[int, float] = {}

    def changed(self, change: Change) -> None:
        """A row without a process."""
        if change.table != "process":
            return
        if change.new is not None and change.new["state"] == "running" and change.new["pid"] is None:
            self._begun[change.id] = self.facts.now
        else:
            self._begun.pop(change.id, None)

    def happened(self, event: Event) -> None:
        """Look at all of them. What a life that ends had begun is seen to by the next."""
        if event.who == "world" and event.what in ("crash", "stop", "start"):
            self._begun.clear()
        for process, since in self._begun.items():
            late = self.facts.now - max(since, self.facts.store_late_until + self.facts.store_backoff_s)
            self.check(
                late <= STARTED_WITHIN_S + 6 * self.facts.grace_s, f"process {process} was never started"
            )
