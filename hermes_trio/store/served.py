"""Which engine keeps what a caller names as its store."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from hermes_trio.config.store_url import EXTRA, SCHEMES
from hermes_trio.errors import StoreRefused
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import WallClock
from hermes_trio.runtime.outage import Outage
from hermes_trio.store.sqlite.store import open_sqlite_store


def served(
    store: Store | Path | str, clock: WallClock, outage: Outage, node: str = ""
) -> AbstractAsyncContextManager[Store]:
    """A store that is served while the body runs: the one that is given, or the one that a name names.

    Args:
        store: a Store that nobody serves yet, "postgresql://...", or the path of a file.
        clock: wall time of what is written.
        outage: is outlasted while a database cannot be reached yet. It is tried for ever.
        node: how this gateway is called among those that share a database; by default as its machine.

    Raises:
        StoreRefused: it is on PostgreSQL, and the extra for that is not installed.
    """
    if isinstance(store, str) and store.startswith(SCHEMES):
        try:
            from hermes_trio.store.postgres.store import open_postgres_store
        except ImportError as error:
            raise StoreRefused(f"{EXTRA} ({error})") from error
        return open_postgres_store(store, clock, node=node, outage=outage)
    return open_sqlite_store(store, clock) if isinstance(store, str | Path) else store.serve()
