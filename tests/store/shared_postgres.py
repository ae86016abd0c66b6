"""A PostgreSQL database that several boots share, each over a connection of its own."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import psycopg

from hermes_trio.store.postgres.engine import PostgresEngine
from hermes_trio.store.postgres.schema import connect
from hermes_trio.store.postgres.store import PostgresStore
from tests.store.shared import Shared

_numbers = itertools.count()


def a_schema(server: str, name: str = "") -> str:
    """The url of a schema of this name; by default of a new one."""
    name = name.replace(" ", "_") or f"s{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f'create schema if not exists "{name}"'.encode())
    return f"{server}&options=-csearch_path%3D{name}"


class SharedDatabase(Shared):
    """A store for each boot, all with the test's clock."""

    def __init__(self, stack: AsyncExitStack, url: str) -> None:
        super().__init__(stack)
        self._url = url
        self.db = connect(url)
        stack.callback(self.db.close)

    def store(self) -> PostgresStore:
        engine = PostgresEngine(partial(connect, self._url), has_clock=False)
        return PostgresStore(engine, self.clock, self.gate, close=engine.close, shared=True)

    def execute(self, sql: str, args: Sequence[object] = ()) -> Any:
        return self.db.execute(sql, args)


@asynccontextmanager
async def a_shared_database(server: str) -> AsyncIterator[Shared]:
    async with AsyncExitStack() as stack:
        yield SharedDatabase(stack, a_schema(server))
