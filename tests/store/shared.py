"""One store that several boots share, with a writer for each boot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from hermes_trio.store.promise_store import PromiseStore
from hermes_trio.store.sqlite.schema import connect
from hermes_trio.store.sqlite.store import SqliteStore
from hermes_trio.values.consequences import Consequence
from hermes_trio.values.delivery import Capabilities
from hermes_trio.values.identity import Policy
from hermes_trio.values.nodes import Renewal
from hermes_trio.values.recording import AccountSetup, Setup
from tests.store.kit import RULES, Calendar, Held, a_message

LEASE_S = 15.0
ACCOUNT = "memory/main"
SETUP = Setup(
    gateway={}, session={}, accounts={ACCOUNT: AccountSetup(capabilities=Capabilities(), policy=Policy())}
)


class Boot:
    """One boot of a shared store, and what its commits have caused here."""

    def __init__(self, store: PromiseStore) -> None:
        self.store = store
        self.followed: list[Consequence] = []
        store.perform = self.followed.extend

    async def renew(self) -> Renewal:
        return await self.store.renew(LEASE_S)

    async def accept(self, *texts: str, user: str = "ada") -> None:
        await self.store.accept(
            ACCOUNT, [a_message(text, user, f"{user}{text}") for text in texts], None, RULES
        )

    async def heard(self) -> list[Consequence]:
        """What it is to do since it was asked last, signals among it."""
        await self.store.take_signals()
        heard, self.followed[:] = [*self.followed], []
        return heard


class Shared(ABC):
    """The store, its clock, its boots by number, and a gate before what they commit."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.clock, self.gate = Calendar(), Held()
        self._stack = stack

    @abstractmethod
    def store(self) -> PromiseStore:
        """A store for one boot more."""

    @abstractmethod
    def execute(self, sql: str, args: Sequence[object] = ()) -> Any:
        """Run a statement beside the stores."""

    async def boot(self, node: str = "", setup: Setup = SETUP) -> Boot:
        boot = Boot(await self._stack.enter_async_context(self.store().serve()))
        await boot.store.join(setup, node, LEASE_S)
        return boot

    def rows(self, sql: str, *args: object) -> list[tuple]:
        return self.execute(sql, args).fetchall()


class SharedConnection(Shared):
    """One connection to SQLite, a store with its own writer for each boot."""

    def __init__(self, stack: AsyncExitStack) -> None:
        super().__init__(stack)
        self.db = connect(":memory:")
        stack.callback(self.db.close)

    def store(self) -> SqliteStore:
        return SqliteStore(self.db, self.clock, self.gate, shared=True)

    def execute(self, sql: str, args: Sequence[object] = ()) -> Any:
        return self.db.execute(sql, args)


@asynccontextmanager
async def a_shared_store() -> AsyncIterator[Shared]:
    async with AsyncExitStack() as stack:
        yield SharedConnection(stack)
