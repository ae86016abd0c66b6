"""The database of a World, and what a disk does to one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from hermes_trio.store.sqlite.schema import connect
from hermes_trio.testing.spoilt_values import columns


class Disk(sqlite3.Connection):
    """A store's database in memory, on a disk that can be full, fail at a commit, or cannot be read.

    Attributes:
        full: each commit that writes is refused with `SQLITE_FULL`, its transaction is gone.
        fails_in: the n-th commit from now that writes fails with `SQLITE_IOERR`; 0: none does.
        fails_times: so many in a row do then.
        locked: another program holds the file: no transaction can begin.
        lent: it is not its World's to close.
        unread_in: likewise the n-th query of the store from now, which no transaction survives.
    """

    full = False
    locked = False
    lent = False
    fails_in = 0
    fails_times = 1
    unread_in = 0
    _at_begin = 0

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """See sqlite3."""
        if sql == "begin immediate":
            self._at_begin = self.total_changes
            if self.locked:
                raise _error("SQLITE_BUSY", "database is locked")
        elif sql == "commit" and self.total_changes != self._at_begin:
            self._write()
        elif self.unread_in and self.in_transaction and sql.startswith("select"):
            self._read()
        return super().execute(sql, parameters)

    def empty(self) -> None:
        """Make a new one of it: nothing is in it, the first row of each table is the first again, it is well.

        Raises:
            sqlite3.Error: a transaction is open.
        """
        self.full, self.locked, self.text_factory = False, False, str
        self.fails_in, self.fails_times, self.unread_in = 0, 1, 0
        self.execute("begin")
        for table, rows in _at_first():
            self.execute(f"delete from {table}")  # noqa: S608 - our own names
            for row in rows:
                self.execute(f"insert into {table} values({', '.join('?' * len(row))})", row)
        self.execute("delete from sqlite_sequence")
        self.execute("commit")

    def _read(self) -> None:
        self.unread_in -= 1
        if not self.unread_in:
            raise _error("SQLITE_IOERR_READ", "disk I/O error")

    def _write(self) -> None:
        if self.full:
            super().execute("rollback")
            raise _error("SQLITE_FULL", "database or disk is full")
        if self.fails_in:
            self.fails_in -= 1
            if not self.fails_in:
                self.fails_times -= 1
                self.fails_in = int(self.fails_times > 0)
                raise _error("SQLITE_IOERR_FSYNC", "disk I/O error")


def _error(name: str, text: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorname = name
    return error


new_disk: ContextVar[Callable[[], Disk]] = ContextVar("new_disk", default=lambda: empty_disk())
"""Makes the database of a World that is given none. The tests of the tree put another kind in its place."""


def empty_disk() -> Disk:
    """A new store's database. A copy: running the migrations takes as long as a turn."""
    db = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, cached_statements=512, factory=Disk
    )
    assert isinstance(db, Disk)
    db.deserialize(_migrated())
    return db


@contextmanager
def spare_disk() -> Iterator[Disk]:
    """A store's database without a row, for the body: one of before, where nothing went wrong with it.

    It knows the store's statements already, and who watches its rows by triggers finds them there.
    """
    disk = _spare.pop() if _spare else empty_disk()
    disk.lent = True
    try:
        yield disk
    except BaseException:
        disk.close()
        raise
    disk.empty()
    _spare.append(disk)


_spare: list[Disk] = []


@cache
def _at_first() -> list[tuple[str, list[Any]]]:
    """What a new store has in it: each table with its rows."""
    with closing(empty_disk()) as disk:
        tables = dict.fromkeys(table for table, _ in columns(disk))
        return [(one, disk.execute(f"select * from {one}").fetchall()) for one in tables]  # noqa: S608


@cache
def _migrated() -> bytes:
    db = connect(":memory:")
    try:
        return db.serialize()
    finally:
        db.close()
