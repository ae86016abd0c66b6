"""A transaction on PostgreSQL, as promises see it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.tx import Tx


class PostgresTx(Tx):
    """What a promise works with on PostgreSQL.

    Args:
        db: inside a transaction.
        boot, now, shared: see `Transaction`.
    """

    __slots__ = ("_db", "run")

    def __init__(self, db: PostgresConnection, boot: int, now: float, shared: bool = False) -> None:
        super().__init__(boot, now, shared)
        self._db = db
        self.run = db.execute

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
