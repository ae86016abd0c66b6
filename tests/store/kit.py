"""A store whose commits a test can hold back, and its users."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from hermes_trio.store.promise_store import PromiseStore
from hermes_trio.store.sqlite.schema import connect
from hermes_trio.store.sqlite.store import SqliteStore
from hermes_trio.testing.disk import new_disk
from hermes_trio.values.consequences import Consequence
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.message import Decided, Message
from hermes_trio.values.stored import AcceptRules

RULES = AcceptRules()
KEY = ConversationKey("memory", "main", "ada")


class Calendar:
    """Wall time that a test moves."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time


class Held:
    """Runs SQLite work inline; while `shut` each group waits at its beginning.

    Attributes:
        groups: how many groups were begun.
    """

    def __init__(self) -> None:
        self.groups = 0
        self.shut = False
        self.broken: BaseException | None = None
        self._open = trio.Event()

    def open(self) -> None:
        self.shut = False
        self._open.set()

    async def __call__(self, work: Callable[[], None]) -> None:
        self.groups += 1
        if self.shut:
            self._open = trio.Event()
            await self._open.wait()
        if self.broken is not None:
            raise self.broken
        work()
        await trio.lowlevel.checkpoint()


class Kit:
    """A served store that has begun its boot, with what surrounds it."""

    def __init__(self, path: object) -> None:
        self.db = new_disk.get()() if path == ":memory:" else connect(path)  # type: ignore[arg-type]
        self.gate = Held()
        self.clock = Calendar()
        if isinstance(self.db, sqlite3.Connection):
            self.store: PromiseStore = SqliteStore(self.db, self.clock, self.gate)
        else:
            self.store = PromiseStore(self.db.engine(), self.clock, self.gate)
        self.followed: list[Consequence] = []
        self.store.perform = self.followed.extend

    async def accept(self, *texts: str, user: str = "ada", native: str = "") -> None:
        decided = [a_message(text, user, f"{native or user}{text}") for text in texts]
        await self.store.accept("memory/main", decided, None, RULES)

    def rows(self, sql: str, *args: object) -> list[tuple]:
        return self.db.execute(sql, args).fetchall()


def a_message(text: str, user: str = "ada", native: str = "") -> Decided:
    message = Message(native=native or text, address=Address("memory", "main", user, None, user), text=text)
    kind = "command" if text.startswith("/") else "message"
    return Decided(update=message, kind=kind, key=ConversationKey("memory", "main", user))


@asynccontextmanager
async def a_store(path: object = ":memory:") -> AsyncIterator[Kit]:
    kit = Kit(path)
    try:
        async with kit.store.serve():
            await kit.store.begin_boot()
            yield kit
    finally:
        kit.db.close()
