"""Two promises on two connections to PostgreSQL: the second runs amid the first, at a statement of choice."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import trio

from hermes_trio.errors import HermesError
from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.engine import PostgresEngine
from hermes_trio.store.postgres.schema import connect
from hermes_trio.store.postgres.store import PostgresStore
from hermes_trio.values.consequences import Consequence
from tests.store.kit import Calendar
from tests.store.shared import LEASE_S, SETUP

Call = Callable[[PostgresStore], Awaitable[Any]]
BLOCKED_S = 0.002
KEPT = ("writer", "server", "hermes_store", "boot")
"""What is not put back between two runs."""


class Gate:
    """Lets so many statements pass, and holds the next one until it is opened."""

    def __init__(self) -> None:
        self.passed = 0
        self._left: int | None = None
        self._changed = threading.Condition()
        self.stopped = trio.Event()

    def after(self, statements: int) -> None:
        self.passed, self._left, self.stopped = 0, statements, trio.Event()
        self._token = trio.lowlevel.current_trio_token()

    def open(self) -> None:
        with self._changed:
            self._left = None
            self._changed.notify()

    def __call__(self) -> None:
        with self._changed:
            self.passed += 1
            if self._left == 0:
                self._token.run_sync_soon(self.stopped.set)
                self._changed.wait_for(lambda: self._left != 0)
            elif self._left is not None:
                self._left -= 1


class Stepped(PostgresConnection):
    """A connection whose statements pass a gate."""

    gate: Callable[[], None] = staticmethod(lambda: None)

    def execute(self, sql: str, args: Any = (), /) -> Any:
        self.gate()
        return super().execute(sql, args)

    def script(self, sql: str) -> None:
        self.gate()
        super().script(sql)


class Node:
    """One boot of the database, over a connection of its own that can be held."""

    def __init__(
        self,
        url: str,
        clock: Calendar,
        engine: type[PostgresEngine] = PostgresEngine,
        has_clock: bool = False,
    ) -> None:
        self.gate = Gate()
        self._url = url
        made = engine(self._connect, has_clock=has_clock)
        self.store = PostgresStore(made, clock, close=made.close, shared=True)
        self.followed: list[Consequence] = []
        self.store.perform = self.followed.extend
        self.ended = trio.Event()
        self.became: Any = None

    def _connect(self) -> PostgresConnection:
        db = connect(self._url, Stepped)
        self.pid = db.execute("select pg_backend_pid()").fetchone()[0]
        db.gate = self.gate
        return db

    async def run(self, call: Call) -> None:
        """Its result, or its error, and what followed."""
        self.followed.clear()
        try:
            result = repr(await call(self.store))
        except HermesError as error:
            result = repr(error)
        self.became = (result, sorted(map(repr, self.followed)))
        self.ended.set()


class TwoConnections:
    """Two boots of one database; the first holds the account."""

    def __init__(self, url: str, engine: type[PostgresEngine] = PostgresEngine) -> None:
        self._url, self._engine = url, engine

    async def __aenter__(self) -> TwoConnections:
        self._stack = await AsyncExitStack().__aenter__()
        self.db = connect(self._url)
        self._stack.callback(self.db.close)
        clock = Calendar()
        self.one, self.two = (Node(self._url, clock, self._engine) for _ in "12")
        for node in (self.one, self.two):
            await self._stack.enter_async_context(node.store.serve())
            await node.store.join(SETUP, "", LEASE_S)
        named = "select table_name from information_schema.tables where table_schema = current_schema()"
        self._tables = sorted(name for (name,) in self.db.execute(named) if name not in KEPT)
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.__aexit__(*error)

    def keep(self) -> None:
        """What stands in the database now is where each run begins."""
        copies = [f"create temporary table was_{one} as select * from {one};" for one in self._tables]
        self.db.script("".join(copies))
        named = "select sequencename, coalesce(last_value, 0) + 1 from pg_sequences where schemaname ="
        self._ids = self.db.execute(f"{named} current_schema()").fetchall()

    def put_back(self) -> None:
        """Begin anew from what was kept."""
        back = [f"delete from {one}; insert into {one} select * from was_{one};" for one in self._tables]
        ids = [f"select setval('{name}', {at}, false);" for name, at in self._ids if name != "boot_id_seq"]
        self.db.script("begin;" + "".join([*back, *ids]) + "commit")

    def _rows(self) -> list[str]:
        return [
            f"{one}: {row}"
            for one in self._tables
            for (row,) in self.db.execute(f"select cast(t as text) from {one} t order by 1")
        ]

    async def after(self, first: tuple[Node, Call], then: tuple[Node, Call]) -> tuple[Any, int]:
        """What becomes of one after the other; and how many statements the first had."""
        self.put_back()
        first[0].gate.passed = 0
        await first[0].run(first[1])
        statements = first[0].gate.passed
        await then[0].run(then[1])
        return self._became(), statements

    async def amid(self, first: tuple[Node, Call], then: tuple[Node, Call], statements: int) -> Any:
        """What becomes of them where the second begins after so many statements of the first."""
        self.put_back()
        (held, call), (other, amid) = first, then
        held.gate.after(statements)
        held.ended, other.ended = trio.Event(), trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(held.run, call)
            await held.gate.stopped.wait()
            nursery.start_soon(other.run, amid)
            while not other.ended.is_set() and not self._waits(other):
                with trio.move_on_after(BLOCKED_S):
                    await other.ended.wait()
            held.gate.open()
        return self._became()

    def _waits(self, node: Node) -> bool:
        waits = "select 1 from pg_stat_activity where pid = ? and wait_event_type = 'Lock'"
        return self.db.execute(waits, (node.pid,)).fetchone() is not None

    def _became(self) -> Any:
        return self.one.became, self.two.became, self._rows()

    async def breaks(self, one: Call, two: Call) -> list[str]:
        """Where the two do not become what one of the two orders makes of them."""
        sides = (self.one, one), (self.two, two)
        orders = {}
        for first, then in (sides, sides[::-1]):
            orders[first[0]] = await self.after(first, then)
        serial = [became for became, _ in orders.values()]
        return [
            f"boot {1 + (first[0] is self.two)} was held after {count} statements"
            for first, then in (sides, sides[::-1])
            for count in range(2, orders[first[0]][1])
            if await self.amid(first, then, count) not in serial
        ]
