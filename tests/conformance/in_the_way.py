"""The real store, with something in the way."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio

from hermes_trio.store.sqlite.store import open_sqlite_store


class Breaks(list):
    """Stores that break a clause each: its name, and the class."""

    def __call__(self, *clauses):
        """The class that this decorates breaks the clauses of these names."""

        def keep(kind):
            self.extend((clause, kind) for clause in clauses)
            return kind

        return keep


class Store:
    """The real store, as it should be; what is broken stands in the way."""

    def __init__(self, real):
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)

    @property
    def perform(self):
        return self.real.perform

    @perform.setter
    def perform(self, perform):
        self.real.perform = perform


def opener(kind):
    """Opens such stores; what it returns is for `check_store`."""

    @asynccontextmanager
    async def make(name, clock):
        async with open_sqlite_store(":memory:", clock, run_blocking=inline) as real:
            yield kind(real)

    return make


async def inline(work):
    await trio.lowlevel.checkpoint()
    work()
    await trio.lowlevel.checkpoint()
