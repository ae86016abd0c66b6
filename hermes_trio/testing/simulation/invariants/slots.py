"""The slot is the scope: what the log and the models say of turns, beside what the rows say."""

from __future__ import annotations

from collections import defaultdict

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant
from hermes_trio.testing.simulation.invariants.load import BY_DISK
from hermes_trio.testing.simulation.mirror import Change

ADOPTED_WITHIN_S = 4.0
"""From when the store is well."""


class SlotIsScope(Invariant):
    """I3 (slot) a session is busy exactly while its turn's block is open: the next turn of a key begins when
    the one before has left, or was left behind."""

    name = "I3 slot"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._open: dict[str, set[int]] = defaultdict(set)
        self._on: dict[int, str] = {}

    def changed(self, change: Change) -> None:
        """A node of which a boot is over is at nothing of it any more, as far as others are concerned."""
        over = change.became("buried_at") or change.became("ended_at") if change.table == "boot" else False
        if over and self.facts.several:
            self._over(self.facts.node_of(change.id))

    def _over(self, node: str) -> None:
        gone = {turn for turn, on in self._on.items() if on == node}
        for turns in self._open.values():
            turns -= gone

    def _is_over(self, event: Event) -> bool:
        facts = self.facts
        return facts.several and facts.is_late and not facts.works_on(event.node, event.fields["turn"])

    def happened(self, event: Event) -> None:
        """By the lines that each turn begins and ends with."""
        if event.who == "world" and event.what in ("crash", "start"):
            self._over(event.node)
        if event.who != "log":
            return
        key = str(event.fields.get("key"))
        if event.what == "turn opened" and self._is_over(event):
            return  # it hears of its turn when another has it, and does nothing of it
        if event.what == "turn opened":
            self.check(
                not self._open[key], f"turn {event.fields['turn']} begins, {self._open[key]} has not left"
            )
            self._open[key].add(event.fields["turn"])
            self._on[event.fields["turn"]] = event.node
        elif event.what == "turn closed":
            self._open[key].discard(event.fields["turn"])
        elif event.what == "left behind":
            self._open[key].clear()


class CancelledInTime(Invariant):
    """A reset and a stop cancel what runs, at once: no model works on for a turn that has ended."""

    name = "cancelled"

    def happened(self, event: Event) -> None:
        """Whoever is asked still."""
        facts = self.facts
        for asked in facts.asking.values():
            found = facts.inbound_of(asked.n) if asked.n else None
            if found is None:
                continue
            turn = facts.mirror.turn.get(found[1]["turn"] or 0)
            runs = turn is not None and turn["state"] == "running"
            just = facts.since_untaken(asked.n) <= facts.heard_s
            self.check(runs or just, f"a model works on #{asked.n}, whose turn has ended")


class NoTurnIsLost(Invariant):
    """If close_turn itself fails the row stays running, and is adopted when the store is well."""

    name = "adopted"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._closed: dict[int, float] = {}
        self._open: set[int] = set()
        self._draining: set[str] = set()

    def happened(self, event: Event) -> None:
        """A turn that nobody works on, and whose row says that it runs."""
        facts = self.facts
        if event.who == "world" and event.what in ("crash", "stop", "start"):
            self._closed.clear()
            self._open.clear()
            self._draining.discard(event.node)
            if event.what == "stop":
                self._draining.add(event.node)
        elif event.who == "log" and event.what == "turn closed":
            self._open.discard(event.fields["turn"])
            if event.node not in self._draining and facts.works_on(event.node, event.fields["turn"]):
                self._closed[event.fields["turn"]] = facts.now
        elif event.who == "log" and event.what == "turn opened":
            self._open.add(event.fields["turn"])
            self._closed.pop(event.fields["turn"], None)
        if len(self._open) >= facts.plan.rules.turns_max:
            # Whoever is to be adopted stands in line for a place, like others.
            self._closed = dict.fromkeys(self._closed, facts.now)
        for turn, since in list(self._closed.items()):
            row = facts.mirror.turn.get(turn)
            if row is None or row["state"] != "running":
                del self._closed[turn]
                continue
            late = facts.now - max(since, facts.store_late_until + facts.store_backoff_s)
            self.check(
                late <= ADOPTED_WITHIN_S + 6 * facts.grace_s, f"turn {turn} runs, and nobody works on it"
            )


class DrainOpensNone(Invariant):
    """While the gateway goes down no turn is opened."""

    name = "drain"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._stopped: dict[str, float] = {}

    def happened(self, event: Event) -> None:
        """From the stop on, until the next start."""
        if event.who == "world" and event.what in ("start", "stop", "crash"):
            self._stopped.pop(event.node, None)
            if event.what == "stop":
                self._stopped[event.node] = self.facts.now

    def changed(self, change: Change) -> None:
        """No row of a turn comes, and none is adopted."""
        if not self._stopped or change.table != "turn" or change.new is None:
            return
        stopped = self._stopped.get(self.facts.node_of(change.new["boot"]))
        if stopped is None:
            return
        late = self.facts.now - stopped > 8 * self.facts.grace_s
        opened = change.old is None or change.became("attempt")
        self.check(not opened or not late, f"turn {change.id} is opened while the gateway goes down")


class ClosedAsWritten(Invariant):
    """A turn's last line gives the state of its row. If somebody else ended the turn, it says `cut`."""

    name = "I11 closed"

    def happened(self, event: Event) -> None:
        """At each such line."""
        if event.who == "log" and event.what == "turn closed":
            said, row = event.fields["outcome"], self.facts.mirror.turn[event.fields["turn"]]
            self.check(
                said in ("cut", row["state"]),
                f"turn {event.fields['turn']} is {row['state']}, it says {said}",
            )


class WorkersHold(Invariant):
    """A worker fails where the store does, and nowhere else: a fence that is met is no failure, and what
    cannot be read is put out of the way before it fails one."""

    name = "worker"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._refused = False

    def happened(self, event: Event) -> None:
        """At each line of the log. A store that is only slow is no store that fails."""
        if event.who == "world" and event.fields.get("name") in BY_DISK:
            self._refused = True
        if event.who == "log":
            error = str(event.fields.get("error", event.what))
            spoilt = self.facts.met["fault store_spoils_row"] > 0
            rubbish = event.what == "out of the way" and spoilt
            fails = event.what in ("worker failed", "still in the way", "out of the way") and not rubbish
            by_disk = self._refused and error.startswith("StoreFailed")
            self.check(not fails or by_disk, f"a worker fails: {error}")


class TheDeadAreNotTold(Invariant):
    """Who waits for a commit in a life that is killed is not told of it: a function of a user's does not go
    on behind its step."""

    name = "dead told"

    def happened(self, event: Event) -> None:
        """At each act, and at what goes on. Who was told in the moment of the crash may hear of it before."""
        if event.who == "tool":
            just = any(life.crashed and life.ended == event.at for life in self.facts.lives)
            self.check(just or event.what != "goes on", "a function goes on in a life that was killed")
