"""Load is no fault: what is slow is late, and nothing else."""

from __future__ import annotations

from collections import defaultdict

from hermes_trio.runtime.allowance import LOOKS
from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant, turn_of
from hermes_trio.testing.simulation.invariants.causes import ended_turns
from hermes_trio.testing.simulation.mirror import Change

BY_DISK = ("store_full", "store_fails_commit", "store_fails_read", "store_spoils_row")
UNREAD = ("store_fails_read", "store_spoils_row")
ENDS = ("finished", "failed")


class LoadIsNoFault(Invariant):
    """I13 load is no fault: nothing is failed or refused because the gateway itself is slow."""

    name = "I13"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._refused = False

    def changed(self, change: Change) -> None:
        """A turn fails of the store only where a disk does not give back what it was given: no disk of a
        simulation refuses one write for ever and takes each other."""
        new = change.new
        if change.table == "turn" and new is not None and change.became("state", "failed"):
            failed = (new["reason"] or "").startswith("Store")
            self.check(self._refused or not failed, f"turn {change.id} failed: {new['reason']}")

    def happened(self, event: Event) -> None:
        """And no command takes too long, since none has much to do."""
        if event.who == "world" and event.fields.get("name") in UNREAD:
            self._refused = True
        elif event.who == "log" and event.what == "command failed":
            self.check(event.fields["why"] != "deadline", f"{event.fields['name']} took too long")


class EffectsAreKept(Invariant):
    """A step's end is tried until it is stored: what took effect is not forgotten where a disk blinks, and is
    recorded in the order in which it happened."""

    name = "I13 effects"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._gave: dict[int, list[str]] = defaultdict(list)

    def happened(self, event: Event) -> None:
        """Remember what an act gave. What a life that is over had not written is lost with it."""
        if event.who == "world" and event.what in ("crash", "stopped", "start", "freeze", "cut off"):
            self._gave.clear()
        elif event.who == "tool" and event.what == "gave":
            op = str(event.fields["op"])
            if self.facts.mirror.turn[turn_of(op)]["state"] == "running":
                self._gave[turn_of(op)].append(op)

    def committed(self) -> None:
        """A turn that ends by itself has each step on record that gave something, in their order."""
        for turn, ops in self._gave.items():
            known = [self._known(turn, op) for op in ops]
            ordered = known == sorted(known, reverse=True)
            self.check(ordered, f"of {ops}, which gave something in this order, a later one is known first")
            del ops[: sum(known)]
        for ended in ended_turns(self.facts.batch):
            assert ended.new is not None
            lost, state = self._gave.pop(ended.id, []), ended.new["state"]
            self.check(not lost or state not in ENDS, f"turn {ended.id} is {state}, and {lost} is unknown")

    def _known(self, turn: int, op: str) -> bool:
        row = self.facts.one("select state from step where turn = ? and op = ?", turn, op)
        return row is not None and row[0] != "intent"


class TheTimeItHad(Invariant):
    """Time in which the process did not run is not the turn's: who is past its deadline had all of it, but
    for the time between two looks at it."""

    name = "deadline"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._opened: dict[int, float] = {}

    def happened(self, event: Event) -> None:
        """Each attempt has its time anew."""
        if event.who == "log" and event.what == "turn opened":
            self._opened[event.fields["turn"]] = self.facts.now

    def changed(self, change: Change) -> None:
        """Whoever is told that it took too long."""
        new = change.new
        if change.table != "turn" or new is None or not change.became("state", "failed"):
            return
        if new["reason"] == "deadline" and change.id in self._opened:
            began = self._opened[change.id]
            on = self.facts.node_of(new["boot"])
            had = self.facts.now - began - self.facts.frozen_s(began, self.facts.now, on)
            deadline_s = self.facts.plan.rules.deadline_s
            look_s = min(10.0, max(1.0, deadline_s / LOOKS))
            enough = had >= deadline_s - look_s * len(self.facts.frozen) - 1e-6
            self.check(enough, f"turn {change.id} is past its deadline and had {had:.3f} s")
