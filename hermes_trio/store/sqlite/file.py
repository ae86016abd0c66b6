"""A store's file from its opening to its closing, which may fall into different threads.

Opening waits up to five seconds for another program, and for ever on a disk that hangs: no loop waits for it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Lock

import trio

from hermes_trio.runtime.threads import own_thread
from hermes_trio.store.engine import RunBlocking
from hermes_trio.store.sqlite.held_file import held
from hermes_trio.store.sqlite.schema import connect


class StoreFile:
    """The connection to a store's file, and whether the file is still there.

    Args:
        path: as `connect` takes it.

    Attributes:
        db, removed: see `SqliteStore`; there when `open` has returned and nobody has closed it.
    """

    db: sqlite3.Connection
    removed: Callable[[], bool]

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._lock = Lock()
        self._closes = ExitStack()
        self._is_wanted = True

    def open(self) -> None:
        """Open it; blocks. What was closed meanwhile is closed again at once.

        Raises:
            StoreRefused, StoreFailed, StoreLocked: see `connect`.
        """
        with ExitStack() as stack:
            self.db = connect(self._path)
            stack.callback(self.db.close)
            self.removed = stack.enter_context(held(self._path))
            with self._lock:
                if self._is_wanted:
                    self._closes = stack.pop_all()

    def close(self) -> None:
        """Close it; while another thread opens it, that one does."""
        with self._lock:
            self._is_wanted = False
        self._closes.close()


async def opened(path: Path | str, run_blocking: RunBlocking | None) -> StoreFile:
    """The file, open.

    Args:
        path: as `connect` takes it.
        run_blocking: opens it off the loop; None: a thread does.

    Cancelled: it is left to whoever opens it, and closed when it could be opened.

    Raises:
        StoreRefused, StoreFailed, StoreLocked: see `connect`.
    """
    await trio.lowlevel.checkpoint()
    file = StoreFile(path)
    try:
        if run_blocking is not None:
            await run_blocking(file.open)
        else:
            with own_thread("hermes-trio store") as thread:
                await thread.run(file.open)
    except BaseException:
        file.close()
        raise
    return file
