"""The database of a World, and what a disk does to one."""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any

from hermes_trio.store.sqlite.schema import connect


class Disk(sqlite3.Connection):
    """A store's database in memory, on a disk that can be full, fail at a commit, or cannot be read.

    Attributes:
        full: each commit that writes is refused with `SQLITE_FULL`, its transaction is gone.
        fails_in: the n-th commit from now that writes fails with `SQLITE_IOERR`; 0: none does.
        fails_times: so many in a row do then.
        locked: another program holds the file: no transaction can begin.
        unread_in: likewise the n-th query of the store from now, which no transaction survives.
    """

    full = False
    locked = False
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


def empty_disk() -> Disk:
    """A new store's database. A copy: running the migrations takes as long as a turn."""
    db = sqlite3.connect(
        ":memory:", isolation_level=None, check_same_thread=False, cached_statements=256, factory=Disk
    )
    assert isinstance(db, Disk)
    db.deserialize(_migrated())
    return db


@cache
def _migrated() -> bytes:
    db = connect(":memory:")
    try:
        return db.serialize()
    finally:
        db.close()
