"""What a checker knows: the users' side, the platform's record, effects, log lines and rows; nothing of the
gateway's own objects."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from hermes_trio.testing.memory_platform import Seen
from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.mirror import Change, Mirror, Row
from hermes_trio.testing.simulation.plan import Plan
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Message
from hermes_trio.values.transcript import ModelRequest

STORE_SLOW_S = 3.0
"""What a slow store adds at most to the way from a commit to its caller: see the fault `store_slow`."""

SHORT_S, BACKOFF_S = 3.0, 32.0
"""Who finds the store failing waits about twice as long as it has failed, at most half a minute."""

THIS_MOMENT_S = 1e-6
"""Who is told of a commit and was about to act may hear of the cancel in the same moment, behind its act."""

UNSENT = ("refuse", "gone", "markup", "not_sent", "wait", "lost")
"""Faults of a platform's call whose text nobody sees."""


class Broken(Exception):
    """An invariant does not hold."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant
        self.what = what


class Spoken(Struct):
    """A message as its user knows it: the number in its text (0: a command or a press) and what came in."""

    n: int
    message: Message
    at: float


class Life(Struct):
    """One life of the gateway as seen from outside.

    Args:
        hasty_at: when it was being stopped and did not wait for its disk any longer.
    """

    number: int
    began: float
    ended: float | None = None
    crashed: bool = False
    hasty_at: float | None = None

    @property
    def untold(self) -> bool:
        """It ended before it could be told of all that it had written."""
        return self.crashed or self.hasty_at is not None

    def may_lack(self, known_at: float) -> bool:
        """Whether it may have ended, or given up its disk, before it knew of what everybody knows by then."""
        ended = self.ended is not None and self.untold and self.ended <= known_at + 1e-6
        return ended or (self.hasty_at is not None and self.hasty_at <= known_at + 1e-6)


class ModelCall(Struct):
    """A model call in flight: for which message, since when."""

    n: int
    key: str
    at: float


class Facts:
    """Everything that is known at one moment.

    Attributes:
        mirror: the rows. `db`: the same, to be asked. `now`: virtual seconds.
        batch: what the newest commit changed.
        spoken: what users wrote, by account and native id. `by_number`: by the number in the text.
        confirmed, shown: what the platform was told that we have, and what its chats show.
        lives: of the gateway; the last may run.
        asking: model calls in flight. `at_work`: acts in flight, by op id, with their turn.
        alive: processes, with the life they were started in.
        ended_at: when a turn ended.
        untold: rows by table and id whose end is durable, and of which the process has not been told.
        resumed: sessions that an operator opened again. `operated`: those that one stopped or reset.
        store_late_until, platform_late_until: so long they may be late without the gateway's doing.
        store_backoff_s: the longest wait of who found the store failing, when it does no longer.
        hangs_for_s: how long the disk hangs when it does. `hung_until`: until when it hangs at most.
        served: the accounts of the bots of this life.
        allowed: who may speak in this life. `resumes`: it was started to go on with what was cut short.
        wall: the wall clock.
        met: how often what happened.
        frozen: when the process was frozen, and until when.
    """

    def __init__(self, plan: Plan, db: sqlite3.Connection, secrets: Sequence[str]) -> None:
        self.plan = plan
        self.mirror = Mirror(db)
        self.db = db
        self.secrets = secrets
        self.at_work: dict[str, int] = {}
        self.alive: dict[int, int] = {}
        self.confirmed: Callable[[], Iterable[tuple[str, str]]] = tuple
        self.shown: Callable[[], Iterable[Seen]] = tuple
        self.now = 0.0
        self.batch: list[Change] = []
        self.ended_at: dict[int, float] = {}
        self.untold: set[tuple[str, int]] = set()
        self._told_at: dict[tuple[str, int], float] = {}
        self.resumed: set[int] = set()
        self.operated: set[int] = set()
        self.spoken: dict[tuple[str, str], Spoken] = {}
        self.by_number: dict[int, Spoken] = {}
        self.lives: list[Life] = []
        self.asking: dict[int, ModelCall] = {}
        self.last_request: ModelRequest | None = None
        self.store_late_until = 0.0
        self.platform_late_until = 0.0
        self.store_backoff_s = 1.0
        self.hangs_for_s = self.hung_until = self._late_besides = 0.0
        self.allowed: Collection[str] = ()
        self.served: Collection[str] = ()
        self.resumes = True
        self.wall: Callable[[], float] = lambda: 0.0
        self.met: Counter[str] = Counter()
        self.frozen: list[tuple[float, float]] = []

    def one(self, sql: str, *args: object) -> Any:
        """The first row of a query on the store, as it is now; None if there is none."""
        return self.db.execute(sql, args).fetchone()

    def works(self, op: str, begins: bool) -> None:
        """An act of this op id begins or has left. What a killed process was at counts no more."""
        if begins and self.life is not None:
            self.at_work[op] = turn_of(op)
        elif not begins:
            self.at_work.pop(op, None)

    def serves(self, key: str) -> bool:
        """Whether this life has the bot of a key or a lane, as it stands in a row."""
        platform, account, *_ = msgspec.json.decode(key)
        return f"{platform}/{account}" in self.served

    @property
    def is_late(self) -> bool:
        """Whether the store may be late at the moment without the gateway's doing."""
        return self.now <= self.store_late_until

    @property
    def grace_s(self) -> float:
        """From a commit until everybody it concerns has been told of it, at most."""
        hung_s = max(0.0, self.hung_until - self.now)
        return self.plan.rules.commit_s + (STORE_SLOW_S if self.is_late else 0.0) + hung_s

    @property
    def life(self) -> Life | None:
        """The life that runs."""
        last = self.lives[-1] if self.lives else None
        return last if last is not None and last.ended is None else None

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

    def commit(self) -> Iterator[Change]:
        """What the newest commit changed, row after row; each is known when it is given."""
        self.batch = self.mirror.read()
        for change in self.batch:
            self.mirror.apply(change)
            if change.table == "turn" and change.old is not None and change.became("state"):
                self.ended_at[change.id] = self.now
            if change.old is not None and _ends(change):
                self.untold.add((change.table, change.id))
            yield change

    def thawed(self, known_at: float) -> float:
        """When a process knows what it would have known then, had it not been frozen."""
        for began, ended in self.frozen:
            if began <= known_at < ended:
                known_at += ended - began
        return known_at

    def frozen_s(self, since: float, until: float) -> float:
        """How long of this time the process did not run."""
        return sum(max(0.0, min(until, ended) - max(since, began)) for began, ended in self.frozen)

    def happened(self, event: Event) -> None:
        """Take note of an event before any invariant is asked."""
        self.now = event.at
        match event.who, event.what:
            case "store", "told":
                self._told_at |= dict.fromkeys(self.untold, self.now)
                self.untold.clear()
                self._hangs_no_longer()
            case "world", "start":
                self._told_at.clear()
                self.untold.clear()
                self._hangs_no_longer()
                self.lives.append(Life(event.fields["boot"], event.at))
            case "world", "crash":
                self._ended(event.at, crashed=True)
            case "world", "stopped":
                self._ended(event.at, crashed=False)
            case "world", "fault":
                self._fault(event)
            case "store", "hangs":
                self.hung_until = self.now + self.hangs_for_s
                self._late_besides = self.store_late_until
                self.store_late_until = max(self.store_late_until, self.hung_until + 15.0)
            case "log", "checkpoint failed" if self.life is not None and self.life.hasty_at is None:
                self.life.hasty_at = event.at
            case "log", "start waits":
                self.store_late_until = max(self.store_late_until, event.at + 15.0)
            case "platform", _ if "fault" in event.fields:
                self.platform_late_until = max(self.platform_late_until, event.at + 130.0)
            case "machine", "started":
                self.alive[event.fields["pid"]] = self.lives[-1].number
            case "machine", "exited":
                self.alive.pop(event.fields["pid"], None)
            case "world", "heal":
                self._late(event.at + 1.0)

    def _hangs_no_longer(self) -> None:
        """The disk has come back, or another life does not wait for it."""
        if self.hung_until > self.now:
            self.hung_until = self.now
            self.store_late_until = max(self._late_besides, self.now + 15.0)

    def _ended(self, at: float, *, crashed: bool) -> None:
        if self.life is not None:
            self.life.crashed = crashed
            self.life.ended = at
        self.asking.clear()
        self.at_work.clear()

    def _fault(self, event: Event) -> None:
        how = event.fields
        name, for_s = str(how["name"]), float(how.get("for_s", 0.0))
        late = event.at + for_s + 15.0
        if name == "freezes":
            self.frozen.append((event.at, event.at + for_s))
        if name == "store_hangs":
            self.hangs_for_s = for_s
        elif name.startswith(("store", "freezes")):
            self.store_late_until = max(self.store_late_until, late)
        if name == "store_full" and for_s > SHORT_S:
            self.store_backoff_s = BACKOFF_S
        if name.startswith(("platform", "freezes")):
            late = event.at + max(for_s, float(how.get("wait_s", 0.0))) + 130.0
            self.platform_late_until = max(self.platform_late_until, late)

    def _late(self, until: float) -> None:
        self.store_late_until = min(self.store_late_until, until + 15.0)


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
