"""Nothing waits for nothing: no prefix of failures makes a session, a lane or an account dead."""

from __future__ import annotations

import msgspec

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant
from hermes_trio.testing.simulation.mirror import Change, Row

BEGINS_WITHIN_S = 8.0
"""Fragments wait five seconds at most, and for one who does not leave two."""
READY_WITHIN_S = 20.0
SAID_WITHIN_S = 3.0
LIVE_WITHIN_S = 11.0
PLATFORM_LATE_S = 130.0
LOOKED_AT_S = 100.0
DURABLE = ("final", "say", "prompt", "reply", "refusal", "notice")


class Idle(Invariant):
    """What is common: since when somebody waits whom nothing keeps waiting."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._draining: set[str] = set()
        self._since: dict[str, float] = {}

    def happened(self, event: Event) -> None:
        """Look at everybody; what a fault or its end, or a stop, does to them is another matter."""
        if event.who == "world" and event.what in ("start", "crash", "stopped"):
            self._draining.discard(event.node)
            self._since.clear()
        self._look()
        if event.who == "world" and event.what in ("stop", "fault", "heal"):
            if event.what == "stop":
                self._draining.add(event.node)
            self._since.clear()

    def _look(self) -> None:
        if self._is_busy():
            self._since.clear()
            return
        waits = self._waiting()
        self.made += 1
        for who in list(self._since):
            if who not in waits:
                del self._since[who]
        for who, what in waits.items():
            since = self._since.setdefault(who, self.facts.now)
            self.check(self.facts.now - since <= self._within_s(), f"{what} waits for nothing since {since}")

    def _is_busy(self) -> bool:
        facts = self.facts
        return (
            bool(self._draining)
            or facts.life is None
            or facts.now - facts.life.began <= READY_WITHIN_S
            or facts.now <= facts.store_late_until + facts.store_backoff_s
        )

    def _waiting(self) -> dict[str, str]:
        """Who waits, and what for, by a name that stays."""
        raise NotImplementedError

    def _within_s(self) -> float:
        raise NotImplementedError


class MessagesBegin(Idle):
    """I12 (at all times) a message whose session runs no turn begins one."""

    name = "I12 message"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._open: dict[int, Row] = {}

    def changed(self, change: Change) -> None:
        """Remember what has no outcome."""
        if change.table == "inbound":
            if change.new is not None and change.new["outcome"] is None:
                self._open[change.id] = change.new
            else:
                self._open.pop(change.id, None)

    def _waiting(self) -> dict[str, str]:
        if not self._open:
            return {}
        mirror = self.facts.mirror
        running = [row["key"] for row in mirror.turn.values() if row["state"] == "running"]
        if len(running) >= self.facts.plan.rules.turns_max:
            return {}
        held = {*running, *(row["key"] for row in self._open.values() if row["kind"] == "command")}
        return {
            row["key"]: f"inbound {id}"
            for id, row in self._open.items()
            if row["state"] == "waiting" and row["kind"] != "command" and row["key"] not in held
            if self.facts.serves(row["key"])
        }

    def _within_s(self) -> float:
        return BEGINS_WITHIN_S + 6 * self.facts.grace_s


class CommandsAreDone(Idle):
    """I12 (at all times) a command takes effect while the store is well, whatever its session does."""

    name = "I12 command"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._open: dict[int, str] = {}

    def changed(self, change: Change) -> None:
        """Remember what has no outcome."""
        new = change.new
        if change.table == "inbound" and new is not None and new["kind"] == "command" and not new["outcome"]:
            self._open[change.id] = new["key"]
        elif change.table == "inbound":
            self._open.pop(change.id, None)

    def _waiting(self) -> dict[str, str]:
        return {str(id): f"command {id}" for id, key in self._open.items() if self.facts.serves(key)}

    def _within_s(self) -> float:
        return SAID_WITHIN_S + 20 * self.facts.grace_s


class PartsAreSaid(Idle):
    """I12 (at all times) what is owed is said while the platform takes it."""

    name = "I12 part"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._open: dict[int, Row] = {}

    def changed(self, change: Change) -> None:
        """Remember what is owed or under way."""
        if change.table == "outbound":
            if change.new is not None and change.new["state"] in ("owed", "sending", "live"):
                self._open[change.id] = change.new
            else:
                self._open.pop(change.id, None)

    def _waiting(self) -> dict[str, str]:
        if not self._open or self.facts.now <= self.facts.platform_late_until:
            return {}
        busy = {row["lane"] for row in self._open.values() if row["begun"]}
        return {
            row["lane"]: f"part {id}"
            for id, row in self._open.items()
            if row["state"] == "owed" and row["said"] in DURABLE and row["lane"] not in busy
            if self.facts.serves(row["lane"])
        }

    def _within_s(self) -> float:
        return SAID_WITHIN_S + 3 * self.facts.plan.rules.call_s + 6 * self.facts.grace_s


class DeferredAreTried(Idle):
    """`deferred` is never the last word: what waits for a key waits again when its time has come."""

    name = "I12 deferred"

    def _waiting(self) -> dict[str, str]:
        facts = self.facts
        if facts.met["fault clock_jumps"]:
            return {}
        now = facts.wall()
        return {
            str(id): f"inbound {id}"
            for id, row in facts.mirror.inbound.items()
            if row["outcome"] is None and row["state"] == "deferred" and row["due"] <= now
            if facts.serves(row["key"])
        }

    def _within_s(self) -> float:
        """One conversation in half a minute."""
        return LOOKED_AT_S + 35.0 * len(self.facts.plan.places) * 4


class WokenByTheAccount(Invariant):
    """What was not sent is retried across reconnects: the reconnect wakes it."""

    name = "reconnect"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._silent_until = 0.0
        self._up_at = 0.0
        self._lanes: dict[str, int] = {}

    def happened(self, event: Event) -> None:
        """The account is up: each lane that owes something has tried soon after."""
        facts = self.facts
        if event.who == "platform" and event.fields.get("fault") == "wait":
            self._silent_until = facts.now + PLATFORM_LATE_S
        if event.who == "world" or (event.who == "platform" and "fault" in event.fields):
            self._lanes.clear()
        if event.who == "log" and event.what == "account up" and facts.now > self._silent_until:
            self.made += 1
            self._up_at = facts.now
            of = f"{event.fields['account']}".split("/")
            mine = (lane for lane in self._owing() if msgspec.json.decode(lane)[:2] == of)
            self._lanes = {lane: self._tries(lane) for lane in mine}
        elif self._lanes and facts.now - self._up_at > SAID_WITHIN_S + 6 * facts.grace_s:
            self._tried()

    def _tried(self) -> None:
        owing = self._owing()
        for lane, before in self._lanes.items():
            late = self.facts.now <= self.facts.store_late_until + self.facts.store_backoff_s
            tried = late or lane not in owing or self._tries(lane) > before
            self.check(
                tried, f"what is owed in {msgspec.json.decode(lane)} is not tried when the account is up"
            )
        self._lanes = {}

    def _owing(self) -> set[str]:
        rows = self.facts.mirror.outbound.values()
        busy = {row["lane"] for row in rows if row["begun"]}
        return {row["lane"] for row in rows if row["state"] == "owed" and row["said"] in DURABLE} - busy

    def _tries(self, lane: str) -> int:
        return sum(row["attempts"] for row in self.facts.mirror.outbound.values() if row["lane"] == lane)


class LiveHoldsNothing(Invariant):
    """What is only live holds its lane ten seconds at most: what a command is answered may wait behind it."""

    name = "I8 live"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._begun: dict[int, float] = {}
        self._draining = False

    def changed(self, change: Change) -> None:
        """A call begins, or has its end. Meanwhile an answer may have taken the row over."""
        new = change.new
        if change.table != "outbound":
            return
        if new is None or not new["begun"]:
            self._begun.pop(change.id, None)
        elif change.became("begun") and new["state"] == "live":
            self._begun[change.id] = self.facts.now

    def happened(self, event: Event) -> None:
        """Look at all of them. What a life that ends had begun is seen to by the next."""
        if event.who == "world" and event.what in ("crash", "stop", "start"):
            self._draining = event.what == "stop"
        if self._draining or event.what == "crash":
            self._begun.clear()
        for row, since in self._begun.items():
            late = self.facts.now - max(since, self.facts.store_late_until + self.facts.store_backoff_s)
            self.check(
                late <= LIVE_WITHIN_S + 6 * self.facts.grace_s, f"part {row} holds its lane since {since}"
            )
