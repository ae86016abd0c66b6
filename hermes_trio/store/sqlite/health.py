"""How a store's file is: whole or not, how large, what grows in it, how its lives ended, what failed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from hermes_trio.store.sqlite.errors import of_a_start
from hermes_trio.store.sqlite.schema import connect_read_only

GROWING = {
    "inbound": "at",
    "turn": "opened_at",
    "step": "at",
    "entry": "at",
    "outbound": "at",
    "process": "at",
    "session": "opened_at",
}
"""Tables that get longer, and the column that says when a row came."""
BOOTS = 10
FAILURES = 5
STEPS = 1_000_000
"""So many of SQLite's own between two questions whether there is still time."""


class Growth(Struct, frozen=True):
    """A table that gets longer.

    Args:
        rows: how many it has.
        oldest: wall time of the first; None: there is none.
    """

    rows: int
    oldest: float | None


_GIVEN_UP = "state in ('failed', 'unknown')"


class Failure(Struct, frozen=True):
    """Messages that failed for one reason.

    Args:
        reason: as the ledger has it. It may hold words of a provider.
        count: how many.
        last: wall time of the newest.
        turn: the newest one's; None: it had none.
    """

    reason: str
    count: int
    last: float | None
    turn: int | None


class Health(Struct, frozen=True, kw_only=True):
    """How a store is.

    Args:
        broken: what is broken, by SQLite's own words; empty: nothing. None: there was no time to look.
        version: of its schema.
        bytes, wal_bytes: of its file, and of what is still to be moved there.
        free_bytes: within the file.
        growth: by table.
        mark: which store it is.
        bad_ends: of its last ten lives, those that were killed or fell.
        outcomes: how many messages have which.
        undelivered: parts of answers that were given up.
        said_since: a part that came after the last of these has arrived.
        failures: the newest reasons.
        answered: wall time at which a turn answered last; None: none has.
    """

    broken: str | None
    version: int
    bytes: int
    wal_bytes: int
    free_bytes: int
    growth: dict[str, Growth]
    mark: str
    bad_ends: int
    outcomes: dict[str, int]
    undelivered: int
    said_since: bool
    failures: tuple[Failure, ...]
    answered: float | None


def look_at_health(path: Path, running: int | None, within: Callable[[], bool]) -> Health:
    """Look at each page of a store, and count its rows. Reads only; a daemon may be at work on it.

    Args:
        path: the file.
        running: the boot that lives now: it has not ended yet.
        within: asked now and then; once it is false, the look at the pages is given up.

    Raises:
        StoreRefused, StoreFailed: it is none, or cannot be read.
    """
    db = connect_read_only(path)
    try:
        with of_a_start(path):
            return _health(db, path, running, within)
    finally:
        db.close()


def _health(db: sqlite3.Connection, path: Path, running: int | None, within: Callable[[], bool]) -> Health:
    def one(sql: str, *args: object) -> Any:
        return db.execute(sql, args).fetchone()[0]

    wal = path.with_name(f"{path.name}-wal")
    ends = db.execute("select id, clean from boot order by id desc limit ?", (BOOTS + 1,)).fetchall()
    ended = [bool(clean) for boot, clean in ends if boot != running][:BOOTS]
    return Health(
        broken=_broken(db, within),
        version=one("pragma user_version"),
        bytes=path.stat().st_size,
        wal_bytes=wal.stat().st_size if wal.exists() else 0,
        free_bytes=one("pragma freelist_count") * one("pragma page_size"),
        growth={
            table: Growth(*db.execute(f"select count(*), min({at}) from {table}").fetchone())
            for table, at in GROWING.items()
        },
        mark=str(one("select mark from mark")),
        bad_ends=ended.count(False),
        outcomes={
            str(name): count
            for name, count in db.execute(
                "select coalesce(outcome, state, '?'), count(*) from inbound group by 1 order by 1"
            )
        },
        undelivered=one(f"select count(*) from outbound where {_GIVEN_UP}"),
        said_since=bool(
            one(
                "select coalesce(max(case when state = 'sent' then id end), 0)"
                f" > coalesce(max(case when {_GIVEN_UP} then id end), 0) from outbound"
            )
        ),
        failures=tuple(
            Failure(str(reason), count, last, turn)
            for reason, count, last, turn in db.execute(
                "select reason, count(*), max(settled_at), max(turn) from inbound where outcome = 'failed'"
                " group by reason order by max(id) desc limit ?",
                (FAILURES,),
            )
        ),
        answered=one("select max(settled_at) from inbound where outcome = 'answered' and turn is not null"),
    )


def _broken(db: sqlite3.Connection, within: Callable[[], bool]) -> str | None:
    db.set_progress_handler(lambda: 0 if within() else 1, STEPS)
    try:
        found = db.execute("pragma integrity_check(3)").fetchall()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return None
        raise
    finally:
        db.set_progress_handler(None, 0)
    said = "; ".join(str(line) for (line,) in found)
    return "" if said == "ok" else said
