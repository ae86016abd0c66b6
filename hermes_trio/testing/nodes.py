"""Several nodes on a World's store: gateways beside one another, each with lives of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import trio

from hermes_trio.gateway.handle import Gateway
from hermes_trio.testing.crashing_store import CrashingStore, Moment
from hermes_trio.testing.incarnation import Incarnation, node_here
from hermes_trio.testing.lives import Lives
from hermes_trio.testing.world import World
from hermes_trio.testing.world_gateway import opened, store_of
from hermes_trio.values.nodes import LEASE_S


class Nodes:
    """The nodes of a World, which runs no gateway beside them.

    Attributes:
        stores: of the newest life of each node, by its name.
        lease_s: of the lives that begin from now on.
        ahead_s: by how much the wall clock of each node is wrong. The store's is right.
        hints_s: so much later a hint arrives at the others; None: it is lost.
    """

    def __init__(self, world: World, nursery: trio.Nursery) -> None:
        self.stores: dict[str, CrashingStore] = {}
        self.lease_s = LEASE_S
        self.ahead_s: dict[str, float] = {}
        self.hints_s: float | None = 0.0
        self._world = world
        self._nursery = nursery
        self._lives: list[Lives] = []
        world.record.whose = node_here

    def node(self, name: str) -> Lives:
        """A node more: its lives, of which none has begun."""
        lives = Lives(self._nursery, partial(self._store, name), self._opened, self._world.record)
        self._lives.append(lives)
        self._world.all_lives.append(lives)
        return lives

    def skew(self, name: str, ahead_s: float) -> None:
        """The wall clock of this node is wrong by so much from now on."""
        self.ahead_s[name] = ahead_s
        if name in self.stores:
            self.stores[name].machine.ahead_s = ahead_s

    def polled(self) -> Mapping[str, Collection[str]]:
        """By account, the nodes that receive: which are neither frozen nor cut off."""
        found = defaultdict[str, set[str]](set)
        for life in (lives.now for lives in self._lives if lives.now is not None):
            if not life.clock.frozen_s and not life.store.hangs.hung:
                for account in +life.polls:
                    found[account].add(life.node)
        return found

    def close(self) -> None:
        """Kill what runs."""
        for lives in self._lives:
            if lives.now is not None:
                lives.crash()

    def _opened(self, life: Incarnation) -> AbstractAsyncContextManager[Gateway]:
        return opened(self._world, life, self.lease_s)

    def _store(self, name: str, number: int, at: Callable[[Moment], None]) -> CrashingStore:
        store = self.stores[name] = store_of(self._world, number, at, node=name)
        store.machine.ahead_s = self.ahead_s.get(name, 0.0)
        store.hints(partial(self._hint, store))
        return store

    def _hint(self, store: CrashingStore) -> None:
        others = [other for other in self.stores.values() if other is not store]
        if self.hints_s == 0.0:
            _arrives(others)
        elif self.hints_s is not None:
            self._world.later(self.hints_s, partial(_arrives, others))


def _arrives(others: Iterable[CrashingStore]) -> None:
    for other in others:
        other.hinted()


@asynccontextmanager
async def open_nodes(world: World) -> AsyncIterator[Nodes]:
    """Nodes on the World's store while the body runs. Leaving it kills them; so does a cancel."""
    async with trio.open_nursery() as nursery:
        nodes = Nodes(world, nursery)
        try:
            yield nodes
        finally:
            nodes.close()
            nursery.cancel_scope.cancel(reason="the nodes end")
