"""The Store port on PostgreSQL: one connection in a thread of its own. Several may share a database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from socket import gethostname

from hermes_trio.errors import StoreFailed, StoreRefused
from hermes_trio.ports.system import WallClock
from hermes_trio.runtime.outage import Outage
from hermes_trio.runtime.threads import own_thread
from hermes_trio.store.engine import RunBlocking
from hermes_trio.store.postgres.engine import PostgresEngine
from hermes_trio.store.postgres.errors import is_lasting
from hermes_trio.store.postgres.hints import Hints
from hermes_trio.store.postgres.schema import connect
from hermes_trio.store.promise_store import PromiseStore


class PostgresStore(PromiseStore):
    """A Store over one PostgreSQL connection; see `PromiseStore`."""


@asynccontextmanager
async def open_postgres_store(
    url: str,
    clock: WallClock,
    *,
    run_blocking: RunBlocking | None = None,
    shared: bool = True,
    node: str = "",
    outage: Outage | None = None,
) -> AsyncIterator[PostgresStore]:
    """A store in a database that is connected to here, served, and closed again.

    Args:
        url: "postgresql://...", as libpq takes it. Its schema is made if it is empty.
        clock: wall time of what is written, unless the store is shared: then the database's counts.
        run_blocking: runs the database's calls; by default in a thread of its own.
        shared: other gateways may use the database too. False: whoever begins a boot ends all others.
        node: how this gateway is called among them; by default as this machine is.
        outage: is outlasted while the server cannot be reached yet. None: that is tried once.

    Leaving the body waits for what was begun, at most three seconds where the server is away. Cancelled while
    it connects: it is left at once. Later: what a caller was not told may be durable.

    Raises:
        StoreRefused: newer, somebody else's, a server that may forget what it has promised, or one that does
            not let in who the url names.
        StoreFailed: the server cannot be reached, and no `outage` is given.
    """
    make = partial(PostgresEngine, partial(connect, url), has_clock=shared)
    open_it = partial(_opened, make, run_blocking)
    engine = await (open_it() if outage is None else outage.outlast(open_it))
    store = PostgresStore(
        engine, clock, run_blocking, close=engine.close, shared=shared, node=node or gethostname()
    )
    hints = Hints(url, lambda: store.hinted())
    store.hints(hints.tell)
    async with store.serve(), hints.served() if shared else nullcontext():
        yield store


async def _opened(make: Callable[[], PostgresEngine], run_blocking: RunBlocking | None) -> PostgresEngine:
    """The engine, connected. Cancelled: whoever connects closes it again."""
    made: list[PostgresEngine] = []
    is_wanted = True

    def open_it() -> None:
        engine = make()
        made.append(engine)
        if not is_wanted:
            engine.close()

    try:
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
    except StoreFailed as error:
        if is_lasting(error.__cause__):
            raise StoreRefused(str(error)) from error
        raise
    return made[0]
