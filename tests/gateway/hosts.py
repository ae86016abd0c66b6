"""Gateways as a host opens them, on the mock clock: the real store, without a thread."""

from __future__ import annotations

from contextlib import asynccontextmanager

from hermes_trio.gateway.open import open_gateway
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.store.sqlite.schema import connect
from hermes_trio.testing import CrashingStore, MemoryPlatform, WorldClock
from tests.gateway.lines import Lines


async def echo(turn):
    """Says what it was told."""
    return f"you said: {turn.text}"


class Host:
    """A database that outlives its gateways, and the log of all of them."""

    def __init__(self):
        self.db = connect(":memory:")
        self.clock = WorldClock()
        self.log = Lines()
        self.boots = 0

    @asynccontextmanager
    async def gateway(self, agent=echo, *platforms, store=None, **more):
        """The next gateway on this database."""
        self.boots += 1
        chance = seeded_chance(str(self.boots))
        store = store or CrashingStore(self.db, self.clock, chance, 0.0)
        async with open_gateway(
            agent, platforms=platforms, store=store, clock=self.clock, chance=chance, log=self.log, **more
        ) as gateway:
            yield gateway

    def rows(self, sql):
        """What the database says."""
        return self.db.execute(sql).fetchall()


def say(platform, text, user="u1", **where):
    """A user writes."""
    message = platform.message(user, text, **where)
    platform.push(message)
    return message


class Ends(MemoryPlatform):
    """A pipe: hands over what it has, and its input has ended."""

    def __init__(self, *texts, hears=True, **more):
        super().__init__(**more)
        self.texts_in, self.hears = texts, hears

    async def serve(self, intake):
        if self.hears:
            intake.received()
        if self.texts_in:
            await intake.accept([self.message("u1", text) for text in self.texts_in])


class Serves(MemoryPlatform):
    """Raises what it is given, one each time it is served, before it serves."""

    def __init__(self, *errors, **more):
        super().__init__(**more)
        self.errors = list(errors)

    async def serve(self, intake):
        if self.errors:
            raise self.errors.pop(0)
        await super().serve(intake)
