"""What a checker knows: the users' side, the platform's record, effects, log lines and rows; nothing of the
gateway's own objects."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from hermes_trio.testing.memory_platform import Seen
from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.known import AtWork, Life, ModelCall, Spoken
from hermes_trio.testing.simulation.lateness import Lateness
from hermes_trio.testing.simulation.mirror import Change, Mirror, Row
from hermes_trio.testing.simulation.plan import Plan
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.transcript import ModelRequest

UNSENT = ("refuse", "gone", "markup", "not_sent", "wait", "lost")
"""Faults of a platform's call whose text nobody sees."""


class Broken(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant
        self.what = what


class Facts(Lateness):
    """Everything that is known at one moment.

    Attributes:
        mirror: the rows. `db`: the same, to be asked. `now`: virtual seconds.
        batch: what the newest commit changed.
        spoken: what users wrote, by account and native id. `by_number`: by the number in the text.
        polled: which nodes receive for each account: those that are not frozen, and whose boot may act.
        confirmed, shown: what the platform was told that we have, and what its chats show.
        writer: the node whose commit is the newest, and the boot that it was for (0: none yet).
        lives: of the gateway or of each node; the last of each may run.
        asking: model calls in flight. `at_work`: acts in flight, by op id.
        alive: processes, with the life they were started in.
        ended_at: when a turn ended.
        untold: rows by table and id whose end is durable, and of which the process that wrote it (of this
            node) has not been told.
        resumed: sessions that an operator opened again. `operated`: those that one stopped or reset.
        served: the accounts of the bots of this life.
        allowed: who may speak in this life. `resumes`: it was started to go on with what was cut short.
        wall: the wall clock.
        met: how often what happened.
    """

    def __init__(self, plan: Plan, db: sqlite3.Connection, secrets: Sequence[str]) -> None:
        super().__init__(plan)
        self.mirror = Mirror(db)
        self.db = db
        self.secrets = secrets
        self.writer: tuple[str, int] = ("", 0)
        self.at_work: dict[str, AtWork] = {}
        self.alive: dict[int, Life] = {}
        self.polled: Callable[[], Mapping[str, Collection[str]]] = dict
        self.confirmed: Callable[[], Iterable[tuple[str, str]]] = tuple
        self.shown: Callable[[], Iterable[Seen]] = tuple
        self.batch: list[Change] = []
        self.ended_at: dict[int, float] = {}
        self.untold: dict[tuple[str, int], str] = {}
        self._told_at: dict[tuple[str, int], float] = {}
        self.resumed: set[int] = set()
        self.operated: set[int] = set()
        self.spoken: dict[tuple[str, str], Spoken] = {}
        self.by_number: dict[int, Spoken] = {}
        self.lives: list[Life] = []
        self.asking: dict[int, ModelCall] = {}
        self.last_request: ModelRequest | None = None
        self.allowed: Collection[str] = ()
        self.served: Collection[str] = ()
        self.resumes = True
        self.wall: Callable[[], float] = lambda: 0.0
        self.met: Counter[str] = Counter()

    def one(self, sql: str, *args: object) -> Any:
        """The first row of a query on the store, as it is now; None if there is none."""
        return self.db.execute(sql, args).fetchone()

    def signals(self) -> bool:
        """Whether a node has left something for another to do, which that has not taken up."""
        return self.one("select 1 from signal") is not None

    def works(self, op: str, begins: bool, node: str) -> None:
        """An act of this op id begins or has left. What a killed process was at counts no more."""
        if begins and self.life_of(node) is not None:
            self.at_work[op] = AtWork(turn_of(op), node)
        elif not begins:
            self.at_work.pop(op, None)

    def serves(self, key: str) -> bool:
        """Whether this life has the bot of a key or a lane, as it stands in a row."""
        platform, account, *_ = msgspec.json.decode(key)
        return f"{platform}/{account}" in self.served

    @property
    def life(self) -> Life | None:
        """The newest life that runs."""
        return next((one for one in reversed(self.lives) if one.ended is None), None)

    def life_of(self, node: str) -> Life | None:
        """The life of this node that runs."""
        return next((one for one in reversed(self.lives) if one.ended is None and one.node == node), None)

    def boot_of(self, node: str) -> int:
        """The newest boot of a node; of the one gateway the newest."""
        return max(id for id, row in self.mirror.boot.items() if (row["node"] or "") == node)

    def node_of(self, boot: int) -> str:
        """The node of a boot."""
        return self.mirror.boot[boot]["node"] or ""

    def works_on(self, node: str, turn: int) -> bool:
        """Whether the row of a turn says that a boot of this node, which is not over, runs it."""
        row = self.mirror.turn[turn]
        boot = self.mirror.boot[row["boot"]]
        return (boot["node"] or "") == node and boot["buried_at"] is None

    def inbound_of(self, n: int) -> tuple[int, Row] | None:
        """The row of the message with this number."""
        spoken = self.by_number.get(n)
        if spoken is None:
            return None
        said = (spoken.message.address.account_id, spoken.message.native)
        for id, row in self.mirror.inbound.items():
            if said == (row["account"], row["native"]):
                return id, row
        return None

    def spoken_of(self, row: Row) -> Spoken | None:
        """What a user wrote that this row is of; None where nobody did."""
        return self.spoken.get((row["account"], row["native"]))

    def since_untaken(self, n: int) -> float:
        """How long the process has known that no turn that runs holds the message with this number."""
        found = self.inbound_of(n)
        if found is None:
            return float("inf")
        id, row = found
        return self.since_told("inbound", id) if row["turn"] is None else self.since_told("turn", row["turn"])

    def since_told(self, table: str, id: int) -> float:
        """How long the process has known of a row's end, in seconds that it ran; 0 while it does not.

        What a life before it ended it has always known.
        """
        if (table, id) in self.untold:
            return 0.0
        told_at = self._told_at.get((table, id), float("-inf"))
        return self.now - told_at - self.frozen_s(told_at, self.now)

    def knows(self, table: str, id: int) -> bool:
        """Whether each process has heard of a row's end, whatever it was about to do."""
        return self.since_told(table, id) > self.heard_s

    def commit(self) -> Iterator[Change]:
        """What the newest commit changed, row after row; each is known when it is given."""
        self.batch = self.mirror.read()
        for change in self.batch:
            self.mirror.apply(change)
            if change.table == "turn" and change.old is not None and change.became("state"):
                self.ended_at[change.id] = self.now
            if change.old is not None and _ends(change):
                self.untold[change.table, change.id] = self.writer[0]
            if self.several and change.table == "boot":
                self._boot(change)
            yield change

    def happened(self, event: Event) -> None:
        """Take note of an event before any invariant is asked."""
        self.now = event.at
        match event.who, event.what:
            case "store", "commit":
                self.writer = event.node, event.fields.get("boot", 0)
            case "store", "told":
                self._told(event.node)
                self.hangs_no_longer()
            case "world", "start":
                self._starts(event)
            case "world", "crash":
                self._ended(event, crashed=True)
            case "world", "stop" if self.several:
                self.troubled(event.at + self.plan.rules.drain_s)
            case "world", "stopped":
                self._ended(event, crashed=False)
            case "world", "freeze" | "cut off":
                self.away(event)
            case "world", "hints":
                self.hinted(event)
            case "world", "fault":
                self.fault(event)
            case "store", "hangs":
                self.hangs()
            case "log", "checkpoint failed":
                life = self.life_of(event.node)
                if life is not None and life.hasty_at is None:
                    life.hasty_at = event.at
            case "log", "store fails" | "store works":
                self.store_late_until = max(self.store_late_until, event.at + 15.0)
            case "platform", _ if "fault" in event.fields:
                self.platform_late_until = max(self.platform_late_until, event.at + 130.0)
            case "machine", "started":
                life = self.life_of(event.node)
                self.alive[event.fields["pid"]] = self.lives[-1] if life is None else life
            case "machine", "exited":
                self.alive.pop(event.fields["pid"], None)
            case "world", "heal":
                self.healed()

    def _told(self, node: str) -> None:
        told = [what for what, writer in self.untold.items() if writer == node]
        for what in told:
            self._told_at[what] = self.now
            del self.untold[what]

    def _starts(self, event: Event) -> None:
        if self.several:
            self._told(event.node)
            self.troubled(event.at)
        else:
            self._told_at.clear()
            self.untold.clear()
        self.hangs_no_longer()
        self.lives.append(Life(event.fields["boot"], event.at, node=event.node))

    def _ended(self, event: Event, *, crashed: bool) -> None:
        life = self.life_of(event.node)
        if life is not None:
            life.crashed = crashed
            life.ended = event.at
        if self.several:
            self._told(event.node)
            self.troubled(event.at)
        self._forget(event.node)

    def _forget(self, node: str) -> None:
        """What this node was at counts no more: it is over, or another does it."""
        self.asking = {call: one for call, one in self.asking.items() if one.node != node}
        self.at_work = {op: one for op, one in self.at_work.items() if one.node != node}

    def _boot(self, change: Change) -> None:
        """One of several boots has begun, drains, or is over."""
        if change.became("buried_at") or change.became("ended_at") or change.became("draining_at"):
            self.troubled(self.now)
        if change.became("buried_at") or change.became("ended_at"):
            self._forget(self.node_of(change.id))


class Invariant:
    """One sentence that always holds. Subclasses say which, and look at changes, at events, and at the end.

    Attributes:
        name: "I2".
        made: how often it was checked.
    """

    name = ""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.made = 0

    def changed(self, change: Change) -> None:
        """A row has changed, durably."""

    def committed(self) -> None:
        """All that a commit has changed is known: `facts.batch`."""

    def happened(self, event: Event) -> None:
        """Something happened; the facts know of it."""

    def at_rest(self) -> None:
        """Everything is over: faults have ended, everybody was answered, the last life was stopped."""

    def check(self, holds: bool, what: Callable[[], str] | str) -> None:
        """Count, and raise `Broken` unless it holds."""
        self.made += 1
        if not holds:
            raise Broken(self.name, what if isinstance(what, str) else what())


def _ends(change: Change) -> bool:
    """Whether a turn or a session ends here, or lets go of a message."""
    match change.table:
        case "turn":
            return change.became("state")
        case "session":
            return change.became("ended_at")
        case "inbound":
            return change.became("turn", None)
    return False


def turn_of(op: str) -> int:
    """The turn of an op id."""
    head = op.partition(".")[0]
    return int(head) if head.isdecimal() else 0


def shows(event: Event) -> bool:
    """Whether the chat shows what this call of a platform says."""
    return (
        event.who == "platform" and event.what in ("send", "edit") and event.fields.get("fault") not in UNSENT
    )


def row_of(event: Event) -> int:
    """The outbound row of a call that carries a text; 0 for one that was written down nowhere."""
    head = str(event.fields.get("key", "")).partition(".")[0]
    return int(head) if head.isdecimal() else 0


Where = tuple[str, str, str | None]


def lane_of(event: Event) -> Where:
    """(account, chat, thread) of a call."""
    return event.fields["account"], event.fields["chat"], event.fields["thread"]


def place(key: str) -> Where:
    """(account, chat, thread) of a key, a lane or an address, as it stands in a row."""
    _, account, chat, *rest = msgspec.json.decode(key)
    return account, chat, rest[0] if rest else None


def printed(key: str) -> str:
    """A key of a row as the log prints it."""
    return str(msgspec.json.decode(key, type=ConversationKey))
