"""A transaction on SQLite, as promises see it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from hermes_trio.store.tx import Tx


class SqliteTx(Tx):
    """What a promise works with on SQLite.

    Args:
        db: inside a transaction.
        boot, now, shared: see `Transaction`.
    """

    __slots__ = ("db", "run")

    def __init__(self, db: sqlite3.Connection, boot: int, now: float, shared: bool = False) -> None:
        super().__init__(boot, now, shared)
        self.db = db
        self.run = db.execute

    def insert(self, sql: str, args: Sequence[Any]) -> int | None:
        """See `Transaction`. SQLite knows the id without being asked: `returning` costs more."""
        cursor = self.db.execute(sql, args)
        return cursor.lastrowid if cursor.rowcount else None

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """See `Transaction`."""
        self.db.executemany(sql, rows)

    def whole_bytes(self) -> AbstractContextManager[None]:
        """See `Transaction`."""
        return whole_bytes(self.db)


@contextmanager
def whole_bytes(db: sqlite3.Connection) -> Iterator[None]:
    """While the body runs, text that is no UTF-8 is given as its bytes. Else it fails all its query."""
    before, db.text_factory = db.text_factory, text_or_bytes
    try:
        yield
    finally:
        db.text_factory = before


def text_or_bytes(value: bytes) -> str | bytes:
    """The text of these bytes; the bytes where they are none."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
