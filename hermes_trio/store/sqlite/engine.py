"""SQLite under the writer: one connection to one file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from hermes_trio.errors import StoreFailed
from hermes_trio.store.locks import Locks
from hermes_trio.store.sqlite.errors import translated
from hermes_trio.store.sqlite.tx import SqliteTx


class SqliteEngine:
    """See `Engine`.

    Args:
        db: the connection that only this engine uses, unless the store is shared.
        removed: says whether the file is gone. Then nothing that is written to it is kept.
    """

    is_alone = True

    def __init__(self, db: sqlite3.Connection, removed: Callable[[], bool]) -> None:
        self._db = db
        self._removed = removed

    def begin(self, boot: int, *, fenced: bool = True) -> None:
        """See `Engine`."""
        if self._removed():
            raise StoreFailed("the store's file was removed or replaced; start the gateway again")
        self._db.execute("begin immediate")

    def lock(self, wanted: Sequence[Locks]) -> None:
        """See `Engine`. Whoever has begun has the file."""

    def commit(self) -> None:
        """See `Engine`."""
        self._db.execute("commit")

    def roll_back(self) -> None:
        """See `Engine`."""
        if self._db.in_transaction:
            self._db.execute("rollback")

    def tx(self, boot: int, now: float, shared: bool) -> SqliteTx:
        """See `Engine`."""
        return SqliteTx(self._db, boot, now, shared)

    def translated(self, error: Exception) -> Exception:
        """See `Engine`."""
        return translated(error)

    def is_of_rows(self, error: BaseException | None) -> bool:
        """See `Engine`."""
        return isinstance(error, sqlite3.Error)
