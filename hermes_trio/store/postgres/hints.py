"""Hints between boots of one database: that there are signals. One may be lost; the rows say the same.

A connection of its own sends and hears them by NOTIFY, outside of the writers' transactions. What is told
while a hint is on its way is told once.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import psycopg
import trio
from psycopg import pq

from hermes_trio.errors import StoreFailed
from hermes_trio.runtime.threads import own_thread
from hermes_trio.store.postgres.schema import opened

AGAIN_S = 1.0
LAST_S = 0.5
"""So long the last hint of who leaves may take."""
ANSWER_S = 5.0
LOST = (psycopg.Error, OSError, StoreFailed, trio.TooSlowError)
_CHANNEL = "select 'hermes_' || md5(current_schema())"


class Hints:
    """The hints of one boot.

    Args:
        url: of the database.
        hinted: called when another boot has told something, or may have while nobody listened.
    """

    def __init__(self, url: str, hinted: Callable[[], object]) -> None:
        self._url = url
        self._hinted = hinted
        self._told = trio.Event()
        self._sent = trio.Event()
        self._sent.set()
        self._answered = trio.Event()

    def tell(self) -> None:
        """There are signals to other boots."""
        if not self._told.is_set():
            self._told.set()
            self._sent = trio.Event()

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """Send and hear while the body runs. Leaving it waits shortly for what was told last."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._connected, name="hints")
            yield
            with trio.move_on_after(LAST_S):
                await self._sent.wait()
            nursery.cancel_scope.cancel(reason="the store is left")

    async def _connected(self) -> None:
        """Connect, and again whenever the connection is lost."""
        while True:
            with suppress(*LOST):
                async with self._connection() as (db, channel), trio.open_nursery() as nursery:
                    self._hinted()
                    for work in (partial(self._hear, db), partial(self._send, db, channel)):
                        nursery.start_soon(_until_lost, work, nursery.cancel_scope, name="hints")
            await trio.sleep(AGAIN_S)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[tuple[pq.abc.PGconn, bytes]]:
        made: list[psycopg.Connection[Any]] = []
        is_wanted = True

        def listen() -> bytes:
            db = opened(self._url)
            made.append(db)
            if not is_wanted:
                db.close()
            (channel,) = db.execute(_CHANNEL).fetchone() or ("",)
            db.execute(f"listen {channel}".encode())
            db.pgconn.nonblocking = 1
            return str(channel).encode()

        try:
            with own_thread("hermes-trio hints") as thread:
                channel = await thread.run(listen)
            yield made[0].pgconn, channel
        finally:
            is_wanted = False
            for db in made:
                db.close()

    async def _hear(self, db: pq.abc.PGconn) -> None:
        mine = db.backend_pid
        while True:
            await trio.lowlevel.wait_readable(db.socket)
            db.consume_input()
            while not db.is_busy() and db.get_result() is not None:
                self._answered.set()
            others = False
            while (hint := db.notifies()) is not None:
                others |= hint.be_pid != mine
            if others:
                self._hinted()

    async def _send(self, db: pq.abc.PGconn, channel: bytes) -> None:
        while True:
            await self._told.wait()
            self._told, self._answered, sent = trio.Event(), trio.Event(), self._sent
            db.send_query(b"notify " + channel)
            while db.flush():
                await trio.lowlevel.wait_writable(db.socket)
            with trio.fail_after(ANSWER_S):
                await self._answered.wait()
            sent.set()


async def _until_lost(work: Callable[[], Awaitable[None]], scope: trio.CancelScope) -> None:
    with suppress(*LOST):
        await work()
    scope.cancel(reason="the connection is lost")
