"""The Store port on PostgreSQL: one connection in a thread of its own, for one gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from hermes_trio.ports.system import WallClock
from hermes_trio.runtime.threads import own_thread
from hermes_trio.store.engine import RunBlocking
from hermes_trio.store.postgres.engine import PostgresEngine
from hermes_trio.store.postgres.schema import connect
from hermes_trio.store.promise_store import PromiseStore


class PostgresStore(PromiseStore):
    """A Store over one PostgreSQL connection; see `PromiseStore`."""


@asynccontextmanager
async def open_postgres_store(
    url: str, clock: WallClock, *, run_blocking: RunBlocking | None = None
) -> AsyncIterator[PostgresStore]:
    """A store in a database that is connected to here, served, and closed again.

    Args:
        url: "postgresql://...", as libpq takes it. Its schema is made if it is empty.
        clock: wall time of what is written.
        run_blocking: runs the database's calls; by default in a thread of its own.

    Leaving the body waits for what was begun, at most three seconds where the server is away. Cancelled while
    it connects: it is left at once. Later: what a caller was not told may be durable.

    Raises:
        StoreRefused: newer, somebody else's, or a server that may forget what it has promised.
        StoreFailed, StoreLocked: the server cannot be reached; another gateway has it open. It may pass.
    """
    engine = await _opened(url, run_blocking)
    store = PostgresStore(engine, clock, run_blocking, close=engine.close)
    async with store.serve():
        yield store


async def _opened(url: str, run_blocking: RunBlocking | None) -> PostgresEngine:
    """The engine, connected. Cancelled: whoever connects closes it again."""
    made: list[PostgresEngine] = []
    is_wanted = True

    def open_it() -> None:
        engine = PostgresEngine(partial(connect, url))
        made.append(engine)
        if not is_wanted:
            engine.close()

    try:
        if run_blocking is not None:
            await run_blocking(open_it)
        else:
            with own_thread("hermes-trio store") as thread:
                await thread.run(open_it)
    except BaseException:
        is_wanted = False
        for engine in made:
            engine.close()
        raise
    return made[0]
