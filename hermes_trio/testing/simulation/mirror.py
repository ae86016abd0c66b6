"""What each commit changed, row by row, told by the database itself: temporary triggers on its connection.

What a transaction undoes its triggers undo too, so only what is durable is seen.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "boot": ("started_at", "ended_at", "clean", "node", "until", "buried_at", "draining_at"),
    "session": ("key", "opened_at", "ended_at", "why", "interrupted"),
    "inbound": (
        "account",
        "native",
        "key",
        "kind",
        "at",
        "state",
        "outcome",
        "reason",
        "turn",
        "step",
        "wait_s",
        "due",
    ),
    "entry": ("session", "turn", "inbound"),
    "turn": ("session", "key", "boot", "state", "attempt", "address", "opened_at", "reason", "paused_at"),
    "outbound": (
        "lane",
        "turn",
        "reply",
        "said",
        "op",
        "rank",
        "state",
        "begun",
        "attempts",
        "unknown",
        "marked",
        "last",
        "owed_at",
    ),
    "process": ("session", "turn", "boot", "key", "state", "keep", "consumed", "told", "pid"),
}
WIDEST = max(map(len, COLUMNS.values()))

Row = dict[str, Any]
Rows = dict[int, Row]


class Change(Struct, frozen=True):
    """One row, before and after one statement; None where there is none."""

    table: str
    id: int
    old: Row | None
    new: Row | None

    def became(self, column: str, value: object = ...) -> bool:
        """Whether this column has another value now (and which)."""
        if self.new is None:
            return False
        now, before = self.new[column], None if self.old is None else self.old[column]
        return now != before and (value is ... or now == value)


class Mirror:
    """The rows of the store as they were when they were last read: of each table its rows by id."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._tables: dict[str, Rows] = {table: {} for table in COLUMNS}
        self.boot, self.session = self._tables["boot"], self._tables["session"]
        self.inbound, self.turn = self._tables["inbound"], self._tables["turn"]
        self.outbound, self.process = self._tables["outbound"], self._tables["process"]
        for statement in _script():
            db.execute(statement)
        db.execute("delete from temp.simulated")

    def read(self) -> list[Change]:
        """What has changed since the last call, in order. The rows are as before, until each is applied."""
        found = self._db.execute("select * from temp.simulated order by seq").fetchall()
        if not found:
            return []
        self._db.execute("delete from temp.simulated")
        changes: list[Change] = []
        newest: dict[tuple[str, int], Row | None] = {}
        for _, table, id, there, *values in found:
            old = newest.get((table, id), self._tables[table].get(id))
            new = dict(zip(COLUMNS[table], values, strict=False)) if there else None
            newest[table, id] = new
            if new != old:
                changes.append(Change(table, id, old, new))
        return changes

    def apply(self, change: Change) -> None:
        """The row is from now on as it became."""
        if change.new is not None:
            self._tables[change.table][change.id] = change.new
        else:
            self._tables[change.table].pop(change.id, None)


def _script() -> Iterator[str]:
    names = ", ".join(f"c{n}" for n in range(WIDEST))
    yield f"create temp table if not exists simulated(seq integer primary key, name, id, there, {names})"
    for table, columns in COLUMNS.items():
        for moment, row in (("insert", "new"), ("update", "new"), ("delete", "old")):
            values = ", ".join(f"{row}.{column}" for column in columns)
            into = ", ".join(f"c{n}" for n in range(len(columns)))
            yield (
                f"create temp trigger if not exists simulated_{table}_{moment}"
                f" after {moment} on main.{table} begin"
                f" insert into simulated(name, id, there, {into})"
                f" values('{table}', {row}.id, {int(row == 'new')}, {values}); end"
            )
