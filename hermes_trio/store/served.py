"""Which engine keeps what a caller names as its store."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from hermes_trio.errors import StoreRefused
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import WallClock
from hermes_trio.store.sqlite.store import open_sqlite_store

POSTGRES = ("postgresql://", "postgres://")
EXTRA = "a store on PostgreSQL needs the extra: pip install 'hermes-trio[postgres]'"


def served(store: Store | Path | str, clock: WallClock) -> AbstractAsyncContextManager[Store]:
    """A store that is served while the body runs: the one that is given, or the one that a name names.

    Args:
        store: a Store that nobody serves yet, "postgresql://...", or the path of a file.
        clock: wall time of what is written.

    Raises:
        StoreRefused: it is on PostgreSQL, and the extra for that is not installed.
    """
    if isinstance(store, str) and store.startswith(POSTGRES):
        try:
            from hermes_trio.store.postgres.store import open_postgres_store
        except ImportError as error:
            raise StoreRefused(f"{EXTRA} ({error})") from error
        return open_postgres_store(store, clock)
    return open_sqlite_store(store, clock) if isinstance(store, str | Path) else store.serve()
