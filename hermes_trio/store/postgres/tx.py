"""A transaction on PostgreSQL, as promises see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.writer_row import WriterRow
from hermes_trio.store.tx import Tx


class PostgresTx(Tx):
    """What a promise works with on PostgreSQL.

    Args:
        db: inside a transaction.
        boot, now, shared: see `Transaction`.
        writers: who writes into the database.
    """

    __slots__ = ("_db", "_writers", "run")

    def __init__(
        self, db: PostgresConnection, boot: int, now: float, shared: bool, writers: WriterRow
    ) -> None:
        super().__init__(boot, now, shared)
        self._db = db
        self._writers = writers
        self.run = db.execute

    def begin_writer(self, boot: int) -> None:
        """See `Transaction`."""
        self._writers.is_of(self._db, boot)

    def hold_writer(self, boot: int) -> None:
        """See `Transaction`."""
        self.now = self._writers.hold(self._db, boot) or self.now

    def end_writer(self, boot: int | None) -> None:
        """See `Transaction`."""
        self._writers.end(self._db, boot)

    def steady(self, for_s: float) -> bool:
        """See `Transaction`."""
        return self._writers.steady_since(self._db, self.now) <= self.now - for_s

    def insert(self, sql: str, args: Sequence[Any]) -> int | None:
        """See `Transaction`."""
        row = self._db.execute(f"{sql} returning id", args).fetchone()
        return None if row is None else row[0]

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """See `Transaction`."""
        self._db.executemany(sql, list(rows))

    def whole_bytes(self) -> AbstractContextManager[None]:
        """See `Transaction`. PostgreSQL takes no text that is no UTF-8."""
        return nullcontext()
