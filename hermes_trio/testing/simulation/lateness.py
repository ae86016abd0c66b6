"""Who may be late without the gateway's doing, and until when: faults, freezes, and nodes in trouble."""

from __future__ import annotations

from msgspec import Struct

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.plan import Plan
from hermes_trio.values.nodes import LEASE_S

STORE_SLOW_S = 3.0
"""What a slow store adds at most to the way from a commit to its caller: see the fault `store_slow`."""

SHORT_S, BACKOFF_S = 3.0, 32.0
"""Who finds the store failing waits about twice as long as it has failed, at most half a minute."""

THIS_MOMENT_S = 1e-6
"""Who is told of a commit and was about to act may hear of the cancel in the same moment, behind its act."""

HOPS = 4
"""So many commits a consequence may wait for on its way from node to node."""
HINT_S = 0.1
NODE_LATE_S = 2 * LEASE_S + 10.0
"""When a node is in trouble, until all that it did is done elsewhere: its lease ends, it is buried, and what
it was amid is taken up."""


class Frozen(Struct):
    """A time in which a process did not run; of all nodes where none is named."""

    began: float
    ended: float
    node: str = ""


class Lateness:
    """How late things may be at one moment.

    Attributes:
        now: virtual seconds. `several`: there are nodes.
        store_late_until, platform_late_until: so long they may be late without the gateway's doing.
        store_backoff_s: the longest wait of who found the store failing, when it does no longer.
        hangs_for_s: how long the disk hangs when it does. `hung_until`: until when it hangs at most.
        frozen: when a process was frozen.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.several = plan.nodes > 1
        self.now = 0.0
        self.store_late_until = self.platform_late_until = 0.0
        self.store_backoff_s = 1.0
        self.hangs_for_s = self.hung_until = self._late_besides = 0.0
        self.frozen: list[Frozen] = []
        self._hints_late_s: float | None = 0.0

    @property
    def is_late(self) -> bool:
        """Whether the store may be late at the moment without the gateway's doing."""
        return self.now <= self.store_late_until or self._hints_late_s != 0.0

    @property
    def grace_s(self) -> float:
        """From a commit until everybody it concerns has been told of it, at most."""
        hung_s = max(0.0, self.hung_until - self.now)
        commits = HOPS if self.several else 1
        return self.plan.rules.commit_s * commits + (STORE_SLOW_S if self.is_late else 0.0) + hung_s

    @property
    def heard_s(self) -> float:
        """From when a commit is told until each node has heard of it, at most. One gateway has at once."""
        if not self.several:
            return THIS_MOMENT_S
        return float("inf") if self.is_late else HINT_S + HOPS * self.grace_s

    def thawed(self, known_at: float, node: str = "") -> float:
        """When a process knows what it would have known then, had it not been frozen."""
        for one in self.frozen:
            if one.began <= known_at < one.ended and one.node in ("", node):
                known_at += one.ended - one.began
        return known_at

    def frozen_s(self, since: float, until: float, node: str = "") -> float:
        """How long of this time the process did not run."""
        frozen = (one for one in self.frozen if one.node in ("", node))
        return sum(max(0.0, min(until, one.ended) - max(since, one.began)) for one in frozen)

    def hangs(self) -> None:
        """The disk begins to hang."""
        self.hung_until = self.now + self.hangs_for_s
        self._late_besides = self.store_late_until
        self.store_late_until = max(self.store_late_until, self.hung_until + 15.0)

    def hangs_no_longer(self) -> None:
        """The disk has come back, or another life does not wait for it."""
        if self.hung_until > self.now:
            self.hung_until = self.now
            self.store_late_until = max(self._late_besides, self.now + 15.0)

    def hinted(self, event: Event) -> None:
        """From now on hints come so much later, or not at all. What was lost before is found by a renewal."""
        self._hints_late_s = event.fields["late_s"]
        self.troubled(event.at)

    def away(self, event: Event) -> None:
        """One of several nodes does not reach the store for a while, or does nothing."""
        until = event.at + event.fields["for_s"]
        if event.what == "cut off":
            self.hangs_for_s = event.fields["for_s"]
        if event.what == "freeze":
            self.frozen.append(Frozen(event.at, until, event.node))
        self.troubled(until)

    def troubled(self, until: float) -> None:
        """What a node does is done by others a lease later, or by itself when it has begun anew."""
        late = until + NODE_LATE_S
        self.store_late_until = max(self.store_late_until, late)
        self.platform_late_until = max(self.platform_late_until, late)

    def fault(self, event: Event) -> None:
        """Something goes wrong, for a while."""
        how = event.fields
        name, for_s = str(how["name"]), float(how.get("for_s", 0.0))
        late = event.at + for_s + 15.0
        if name == "freezes":
            self.frozen.append(Frozen(event.at, event.at + for_s))
            if self.several:
                self.troubled(event.at + for_s)
        if name == "store_hangs":
            self.hangs_for_s = for_s
        elif name.startswith(("store", "freezes")):
            self.store_late_until = max(self.store_late_until, late)
        if name == "store_full" and for_s > SHORT_S:
            self.store_backoff_s = BACKOFF_S
        if name.startswith(("platform", "freezes")):
            late = event.at + max(for_s, float(how.get("wait_s", 0.0))) + 130.0
            self.platform_late_until = max(self.platform_late_until, late)

    def healed(self) -> None:
        """Faults have ended. A node in trouble is so until its lease would end."""
        if not self.several:
            self.store_late_until = min(self.store_late_until, self.now + 16.0)
