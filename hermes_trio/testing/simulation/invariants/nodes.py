"""What several nodes on one store may do, beside what holds for one gateway."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant
from hermes_trio.testing.simulation.mirror import Change, Row
from hermes_trio.values.nodes import LEASE_S

ACTS = {("platform", "send"), ("platform", "edit"), ("platform", "delete"), ("platform", "typing")}
ACTS |= {("platform", "react"), ("model", "asked"), ("machine", "started")}
GIVES_UP_WITHIN_S = 3.0


def is_over(boot: Row) -> bool:
    """Whether it is over by its row."""
    return boot["ended_at"] is not None or boot["buried_at"] is not None


class TheOverWriteNothing(Invariant):
    """I16 a boot that was declared dead writes nothing."""

    name = "I16"

    def committed(self) -> None:
        """The boot of this commit was not over before it."""
        node, boot = self.facts.writer
        row = self.facts.mirror.boot.get(boot)
        if row is None:
            return
        now = any(one.table == "boot" and one.id == boot and _ends(one) for one in self.facts.batch)
        self.check(not is_over(row) or now, f"boot {boot} of {node} is over, and writes")


class NothingBehindALease(Invariant):
    """I16 (lease) a boot begins nothing after its lease, by the store's clock."""

    name = "I16 lease"

    def happened(self, event: Event) -> None:
        """Each act on the outside world."""
        if (event.who, event.what) not in ACTS or not event.node:
            return
        boot = self.facts.boot_of(event.node)
        row, at = self.facts.mirror.boot[boot], self.facts.wall()
        in_time = isinstance(row["until"], float) and at <= row["until"]
        self.check(
            in_time and not is_over(row), f"boot {boot} of {event.node}: {event.what} behind its lease"
        )


class TheLivingAreNotBuried(Invariant):
    """A boot is buried when its lease is over, by the store's clock and by no other."""

    name = "I16 buried"

    def changed(self, change: Change) -> None:
        """Each burial."""
        if change.table == "boot" and change.old is not None and change.became("buried_at"):
            until, at = change.old["until"], self.facts.wall()
            # The next boot of a node knows that the one before it acts no longer.
            other = self.facts.node_of(change.id) != self.facts.writer[0]
            early = other and isinstance(until, float) and until > at + 1e-3
            self.check(not early, f"boot {change.id} is buried at {at}, its lease ends at {until}")


class LivingTurnsStay(Invariant):
    """Only turns of boots that are over are adopted."""

    name = "I3 adopted"

    def changed(self, change: Change) -> None:
        """A turn goes from boot to boot."""
        if change.table == "turn" and change.old is not None and change.became("boot"):
            before = self.facts.mirror.boot[change.old["boot"]]
            self.check(
                is_over(before), f"turn {change.id} is taken from boot {change.old['boot']}, which lives"
            )


class OneTaskOfAKey(Invariant):
    """A turn is opened by the boot that the key's row names, whose task works on it."""

    name = "I3 key"

    def changed(self, change: Change) -> None:
        """A turn begins, or is taken up."""
        new = change.new
        if change.table != "turn" or new is None or new["state"] != "running":
            return
        if change.old is None or change.became("attempt"):
            row = self.facts.one("select boot from key_task where key = ?", new["key"])
            named = None if row is None else row[0]
            self.check(named == new["boot"], f"turn {change.id} of boot {new['boot']}, its key names {named}")


class OneHolder(Invariant):
    """An account is served by one node, and spoken for by the boot that its row names."""

    name = "holder"

    def committed(self) -> None:
        """Of deliveries that begin, and of what is received."""
        if any(one.table == "boot" and one.became("draining_at") for one in self.facts.batch):
            return  # it held them when that began, in the commit that lets them go
        for change in self.facts.batch:
            new = change.new
            if change.table == "outbound" and new is not None and change.became("begun", 1):
                platform, account, *_ = msgspec.json.decode(new["lane"])
                self._holds(f"part {change.id}", f"{platform}/{account}")
            elif change.table == "inbound" and new is not None and change.old is None and self._came(new):
                self._holds(f"inbound {change.id}", new["account"])

    def _came(self, row: Row) -> bool:
        return row["key"] is not None and self.facts.spoken_of(row) is not None

    def _holds(self, what: str, account: str) -> None:
        row = self.facts.one("select boot from account_holder where account = ?", account)
        holder, boot = None if row is None else row[0], self.facts.writer[1]
        self.check(holder == boot, f"{what} is boot {boot}'s, and {account} is held by {holder}")

    def happened(self, event: Event) -> None:
        """Nobody receives beside another."""
        if event.who in ("log", "world", "store"):
            return
        for account, nodes in self.facts.polled().items():
            alive = {one for one in nodes if not is_over(self.facts.mirror.boot[self.facts.boot_of(one)])}
            self.check(len(alive) <= 1, f"{account} is polled by {sorted(alive)}")


class OneVoiceInALane(Invariant):
    """A lane is served by one boot: while a call of one that lives is under way no other begins one."""

    name = "lane"

    def committed(self) -> None:
        """When a delivery begins."""
        for change in self.facts.batch:
            new = change.new
            if change.table == "outbound" and new is not None and change.became("begun", 1):
                row = self.facts.one(
                    "select outbound.id from outbound join boot on boot.id = outbound.boot where lane = ?"
                    " and begun <> 0 and outbound.boot <> ? and ended_at is null and buried_at is null",
                    new["lane"],
                    self.facts.writer[1],
                )
                self.check(row is None, f"part {change.id} begins, and {row} of another boot is under way")


class CountsAtBurial(Invariant):
    """The count is settled when a boot is buried, or ends with nobody to hand over to: + 1 for sessions whose
    turn it left running, 0 for others that it worked on last. What was handed over does not count."""

    name = "count buried"

    def committed(self) -> None:
        """Every session that has a turn of a boot that is over now."""
        over = {one.id: one for one in self.facts.batch if one.table == "boot" and _ends(one)}
        over = {id: one for id, one in over.items() if one.old is not None and not is_over(one.old)}
        if not over:
            return
        for session, turn in self._last_turns():
            boot = self.facts.mirror.turn[turn]["boot"]
            if boot in over and not self._touched(session, turn):
                self._session(session, turn, counted=self._counts(over[boot]))

    def _session(self, session: int, turn: int, *, counted: bool) -> None:
        mirror = self.facts.mirror
        changes = [one for one in self.facts.batch if one.table == "session" and one.id == session]
        now = mirror.session[session]["interrupted"]
        old = changes[0].old["interrupted"] if changes and changes[0].old is not None else now
        row = mirror.turn[turn]
        left = row["state"] == "running"
        wanted = old if not counted or (left and row["paused_at"]) else old + 1 if left else 0
        self.check(
            now == wanted, f"session {session} was interrupted {old} times, counts {now}, not {wanted}"
        )

    def _counts(self, over: Change) -> bool:
        """A boot that ends while another lives hands over what it left."""
        alive = (row for row in self.facts.mirror.boot.values() if not is_over(row))
        return over.became("buried_at") or all(row["draining_at"] is not None for row in alive)

    def _last_turns(self) -> Iterator[tuple[int, int]]:
        last = {row["session"]: turn for turn, row in sorted(self.facts.mirror.turn.items())}
        yield from last.items()

    def _touched(self, session: int, turn: int) -> bool:
        """Something else of the same commit may settle its count."""
        mine = {"turn": turn, "session": session}
        return any(
            (one.table in mine and one.id == mine[one.table] and not one.became("interrupted"))
            or (one.table == "outbound" and one.new is not None and one.new["turn"] == turn)
            for one in self.facts.batch
        )


class DrainsFreeAccounts(Invariant):
    """With another boot alive a drain releases its accounts at once."""

    name = "drain frees"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._since: dict[str, float] = {}
        self._away_until: dict[str, float] = {}

    def committed(self) -> None:
        """In the commit that says so."""
        for change in self.facts.batch:
            if change.table == "boot" and change.became("draining_at"):
                held = self.facts.one("select account from account_holder where boot = ?", change.id)
                self.check(held is None, f"boot {change.id} drains, and holds {held}")

    def happened(self, event: Event) -> None:
        """From the signal on."""
        if event.who == "world" and event.what in ("freeze", "cut off"):
            self._away_until[event.node] = event.at + event.fields["for_s"] + LEASE_S
        if event.who == "world" and event.what in ("stop", "stopped", "crash", "start", "freeze", "cut off"):
            self._since.pop(event.node, None)
            away = event.at <= self._away_until.get(event.node, 0.0) or self._is_hindered()
            if event.what == "stop" and not away and self._others(event.node):
                self._since[event.node] = event.at
        if event.who == "world" and event.what in ("fault", "crash", "freeze", "cut off"):
            self._since.clear()
        for node, since in self._since.items():
            late = self.facts.now - since > GIVES_UP_WITHIN_S + 12 * self.facts.plan.rules.commit_s
            self.check(not late or not self._holds(node), f"{node} is on its way down, and keeps an account")

    def _is_hindered(self) -> bool:
        return any(name.startswith("fault store") for name in self.facts.met)

    def _others(self, node: str) -> bool:
        """Another has been there for long enough to be known to this one."""
        lives = (one for one in self.facts.lives if one.ended is None and one.node != node)
        return any(self.facts.now - one.began > GIVES_UP_WITHIN_S for one in lives) and not self._troubled()

    def _troubled(self) -> bool:
        return any(one.ended > self.facts.now - 60.0 for one in self.facts.frozen)

    def _holds(self, node: str) -> bool:
        boot = self.facts.boot_of(node)
        return self.facts.one("select 1 from account_holder where boot = ?", boot) is not None


class SignalsAreTaken(Invariant):
    """What one node leaves for another to do is taken up once, by a renewal at the latest."""

    name = "signals"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._oldest: tuple[int, float] = (0, 0.0)

    def committed(self) -> None:
        """The oldest of them is not the oldest for long, while any boot lives."""
        row = self.facts.one("select id from signal order by id limit 1")
        if row is None or self.facts.is_late:
            self._oldest = (0, 0.0)
            return
        if row[0] != self._oldest[0]:
            self._oldest = row[0], self.facts.now
        waits = self.facts.now - self._oldest[1]
        self.check(waits <= SIGNAL_WITHIN_S + 6 * self.facts.grace_s, f"signal {row[0]} is not taken")


SIGNAL_WITHIN_S = 6.0


def _ends(change: Change) -> bool:
    return change.became("ended_at") or change.became("buried_at")


OF_NODES: tuple[type[Invariant], ...] = (
    TheOverWriteNothing,
    NothingBehindALease,
    TheLivingAreNotBuried,
    LivingTurnsStay,
    OneTaskOfAKey,
    OneHolder,
    OneVoiceInALane,
    CountsAtBurial,
    DrainsFreeAccounts,
    SignalsAreTaken,
)
"""Asked where there are several, beside all others."""
