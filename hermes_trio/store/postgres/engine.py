"""PostgreSQL under the writer: one connection, opened anew when it is lost, and a row for what was done.

Each transaction begins with adding one to the serial of the writer's row. So a boot that is over writes
nothing more. And after a commit whose answer was lost the row says whether it happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event

import psycopg

from hermes_trio.errors import StoreClosed, StoreFailed
from hermes_trio.store.locks import Locks
from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.errors import translated
from hermes_trio.store.postgres.locking import ChatLocks
from hermes_trio.store.postgres.tx import PostgresTx
from hermes_trio.store.postgres.writer_row import WriterRow

AGAIN_S = 0.5
"""So long between two looks for a server that is away while a commit's answer is lost."""


class PostgresEngine:
    """See `Engine`.

    Args:
        connect: opens the database for this writer; `schema.connect`.
        has_clock: the database's time counts.
    """

    is_alone = False

    def __init__(self, connect: Callable[[], PostgresConnection], *, has_clock: bool = True) -> None:
        self._connect = connect
        self._closed = Event()
        self._writer = WriterRow(has_clock)
        self._locks = ChatLocks()
        self._fenced = False
        self._db = connect()

    def close(self) -> None:
        """Close the connection. A commit that looks for its answer looks no longer."""
        self._closed.set()
        with suppress(psycopg.Error):
            self._writer.forget(self._db)
        self._db.close()

    def begin(self, boot: int, *, fenced: bool = True) -> float | None:
        """See `Engine`."""
        if self._db.is_broken:
            self._open_again()
        self._writer.begin(self._db, boot)
        self._db.script("begin")
        self._fenced = fenced
        return self._writer.fence(self._db) if fenced else None

    def lock(self, wanted: Sequence[Locks]) -> None:
        """See `Engine`."""
        self._locks.take(self._db, wanted)

    def commit(self) -> None:
        """See `Engine`. A lost answer is read from the writer's row, however long that takes.

        What was not fenced may be durable where this raises.
        """
        try:
            self._db.script("commit")
            self._writer.kept()
        except psycopg.Error:
            if not self._fenced or not self._db.is_broken or not self._happened():
                raise

    def _happened(self) -> bool:
        while True:
            with suppress(psycopg.Error, StoreFailed):
                self._open_again()
                return self._writer.happened(self._db)
            if self._closed.wait(AGAIN_S):
                raise StoreClosed("closed before it was known whether the last commit had happened")

    def _open_again(self) -> None:
        self._db.close()
        self._db = self._connect()
        self._writer.name(self._db)

    def roll_back(self) -> None:
        """See `Engine`."""
        if self._db.in_transaction:
            with suppress(psycopg.Error):
                self._db.script("rollback")

    def tx(self, boot: int, now: float, shared: bool) -> PostgresTx:
        """See `Engine`."""
        return PostgresTx(self._db, boot, now, shared, self._writer)

    def translated(self, error: Exception) -> Exception:
        """See `Engine`."""
        return translated(error)

    def is_of_rows(self, error: BaseException | None) -> bool:
        """See `Engine`."""
        return isinstance(error, psycopg.Error)
