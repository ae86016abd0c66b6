"""The Store port on SQLite: WAL, synchronous=FULL, one file, one writer, one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hermes_trio.ports.system import WallClock
from hermes_trio.store.engine import RunBlocking
from hermes_trio.store.promise_store import PromiseStore, nothing
from hermes_trio.store.sqlite.engine import SqliteEngine
from hermes_trio.store.sqlite.file import opened


class SqliteStore(PromiseStore):
    """A Store over one SQLite connection.

    Args:
        db: from `schema.connect`; this store is its only user until `serve` is left, unless it is shared.
        clock: gives each commit its wall time.
        run_blocking: runs SQLite work off the loop; by default in a thread of the store's own.
        close: called when `serve` is left, off the loop as all that it does.
        removed: says whether the file is gone; nothing is promised any more then.
        shared: several stores use the connection, each for a boot of its own. Only the test kit does that.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        clock: WallClock,
        run_blocking: RunBlocking | None = None,
        *,
        close: Callable[[], None] = nothing,
        removed: Callable[[], bool] = lambda: False,
        shared: bool = False,
        node: str = "",
    ) -> None:
        super().__init__(
            SqliteEngine(db, removed), clock, run_blocking, close=close, shared=shared, node=node
        )


@asynccontextmanager
async def open_sqlite_store(
    path: Path | str, clock: WallClock, *, run_blocking: RunBlocking | None = None
) -> AsyncIterator[SqliteStore]:
    """A store over a file that is opened here, served, and closed again.

    Args:
        path: of the file, made if it is not there; ":memory:" keeps nothing.
        clock: wall time of what is written.
        run_blocking: runs the database's calls; by default in a thread of its own.

    Leaving the body waits for what was begun, at most three seconds where the disk hangs. Cancelled while the
    file is opened: it is left at once, and closed as soon as it is open. Later: what a caller was not told
    may be durable.

    Raises:
        StoreRefused: the file is corrupt, newer, or not ours; it was left untouched.
        StoreFailed, StoreLocked: the disk is full or fails; another program holds the file. It may pass.
    """
    file = await opened(path, run_blocking)
    store = SqliteStore(file.db, clock, run_blocking, close=file.close, removed=file.removed)
    async with store.serve():
        yield store
