"""For whom a program may be run, looked at and ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant, turn_of
from hermes_trio.testing.simulation.mirror import Change
from hermes_trio.testing.simulation.setting import ADMINS
from hermes_trio.values.transcript import Entry, ToolEntry


def admins(facts: Facts) -> Sequence[str]:
    """Those of this life."""
    return tuple(facts.allowed)[:ADMINS]


class AdminsAlone(Invariant):
    """I15 a program is run only where admins alone have spoken: those of now, who were admins then,
    in words of their own."""

    name = "I15 programs"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._by: dict[int, tuple[str | None, bool]] = {}
        self._stood: defaultdict[int, set[int]] = defaultdict(set)

    def changed(self, change: Change) -> None:
        """Who wrote each message, whether an admin did, and where it stood, were it for a while."""
        if change.table == "entry" and change.new is not None and change.new["inbound"] is not None:
            self._stood[change.new["session"]].add(change.new["inbound"])
        spoken = self.facts.spoken_of(change.new) if change.table == "inbound" and change.new else None
        if spoken is not None and change.old is None:
            user = spoken.message.address.user
            self._by[change.id] = user, user in admins(self.facts) and spoken.message.forwarded is None

    def committed(self) -> None:
        """A program is to run: who has spoken in its conversation?"""
        for session in {
            change.new["session"]
            for change in self.facts.batch
            if change.table == "process" and change.old is None and change.new is not None
        }:
            said = (self._by[message] for message in self._stood[session] if message in self._by)
            others = [user for user, was_admin in said if not was_admin or user not in admins(self.facts)]
            self.check(not others, f"a program is run where {others} have spoken")


class LooksForAdmins(Invariant):
    """I15 a turn acts with the least role among those whom it answers: it says how a program is, and
    ends one, only where all of them are admins."""

    name = "I15 looks"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._ever: set[str] = set()
        self._answers: dict[int, set[str | None]] = {}
        self._known: dict[int, int] = {}

    def happened(self, event: Event) -> None:
        """A model sees what a tool said since its turn asked before: it acted for whom it answered then."""
        request = self.facts.last_request
        if event.who == "world" and event.what == "start":
            self._ever.update(admins(self.facts))
            self._answers.clear()
        if event.who != "model" or event.what != "asked" or request is None:
            return
        turn = turn_of(request.op)
        answered, known = self._answers.get(turn), self._known.get(turn, 0)
        if answered is not None and any(map(_tells, request.entries[known:])):
            others = answered - self._ever
            self.check(not others, f"turn {turn} answers {others}, and is told how a program is")
        # Nobody who may not speak any more is answered.
        rows = [row for row in self.facts.mirror.inbound.values() if row["outcome"] != "dropped"]
        spoken = [self.facts.spoken_of(row) for row in rows if row["turn"] == turn]
        self._answers[turn] = {one.message.address.user for one in spoken if one is not None}
        self._known[turn] = len(request.entries)


def _tells(entry: Entry) -> bool:
    return isinstance(entry, ToolEntry) and entry.name == "process" and entry.text.startswith("{")
