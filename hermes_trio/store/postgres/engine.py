"""PostgreSQL under the writer: one connection, opened anew when it is lost, and a row for what was done.

Each transaction begins with adding one to the serial of the writer's row. So who was away too long writes
nothing more: his row is gone. And after a commit whose answer was lost the row says whether it happened.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event

import psycopg

from hermes_trio.errors import StoreClosed, StoreFailed
from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.errors import translated
from hermes_trio.store.postgres.tx import PostgresTx

_BEGIN_WRITER = "insert into writer(nonce, serial) values(cast(gen_random_uuid() as text), 0) returning nonce"
_BEGIN_GROUP = "update writer set serial = serial + 1 where nonce = ? returning serial"
_READ_BACK = "select serial from writer where nonce = ? for update"
AGAIN_S = 0.5
"""So long between two looks for a server that is away while a commit's answer is lost."""


class PostgresEngine:
    """See `Engine`.

    Args:
        connect: opens the database for this writer; `schema.connect`.
    """

    def __init__(self, connect: Callable[[], PostgresConnection]) -> None:
        self._connect = connect
        self._serial = 0
        self._closed = Event()
        self._db = connect()
        try:
            # Whoever holds the lock is the one writer: those of before write nothing more.
            self._db.execute("delete from writer")
            self._nonce: str = self._db.execute(_BEGIN_WRITER).fetchone()[0]
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        """Close the connection. A commit that looks for its answer looks no longer."""
        self._closed.set()
        self._db.close()

    def begin(self) -> None:
        """See `Engine`."""
        if self._db.is_broken:
            self._open_again()
        self._db.script("begin")
        found = self._db.execute(_BEGIN_GROUP, (self._nonce,)).fetchone()
        if found is None:
            self.roll_back()
            raise StoreClosed("another gateway has taken this store over")
        self._serial = found[0]

    def commit(self) -> None:
        """See `Engine`. A lost answer is read from the writer's row, however long that takes."""
        try:
            self._db.script("commit")
        except psycopg.Error:
            if not self._db.is_broken or not self._happened():
                raise

    def _happened(self) -> bool:
        while True:
            with suppress(psycopg.Error, StoreFailed):
                self._open_again()
                # The row is locked: a backend that still commits for us is waited for.
                row = self._db.execute(_READ_BACK, (self._nonce,)).fetchone()
                if row is None or row[0] < self._serial - 1:
                    raise StoreClosed("another gateway has this store now, or the database has lost commits")
                return bool(row[0] == self._serial)
            if self._closed.wait(AGAIN_S):
                raise StoreClosed("closed before it was known whether the last commit had happened")

    def _open_again(self) -> None:
        self._db.close()
        self._db = self._connect()

    def roll_back(self) -> None:
        """See `Engine`."""
        if self._db.in_transaction:
            with suppress(psycopg.Error):
                self._db.script("rollback")

    def tx(self, boot: int, now: float, shared: bool) -> PostgresTx:
        """See `Engine`."""
        return PostgresTx(self._db, boot, now, shared)

    def translated(self, error: Exception) -> Exception:
        """See `Engine`."""
        return translated(error)

    def is_of_rows(self, error: BaseException | None) -> bool:
        """See `Engine`."""
        return isinstance(error, psycopg.Error)
