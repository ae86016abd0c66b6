"""A store whose incarnations can be killed: the World owns the connection, a crash cuts the way to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cache

import trio

from hermes_trio.errors import StoreClosed
from hermes_trio.ports import Chance, WallClock
from hermes_trio.stores.schema import connect
from hermes_trio.stores.sqlite import SqliteStore


def empty_db() -> sqlite3.Connection:
    """A new store's database, in memory. A copy: running the migrations takes as long as a turn."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, cached_statements=256)
    db.deserialize(_migrated())
    return db


@cache
def _migrated() -> bytes:
    db = connect(":memory:")
    try:
        return db.serialize()
    finally:
        db.close()


class CrashingStore(SqliteStore):
    """The real store on a connection that outlives it.

    SQLite work runs inline, between two virtual delays, so that groups, cancels and crashes fall before
    a commit and between a commit and its being told. After `kill` nothing is written and nobody is told.
    """

    def __init__(self, db: sqlite3.Connection, clock: WallClock, chance: Chance, commit_s: float) -> None:
        super().__init__(db, clock, self._run)
        self._chance = chance
        self._commit_s = commit_s
        self.dead = False

    def kill(self) -> None:
        """From now on each call raises and none writes."""
        self.dead = True

    async def _run(self, work: Callable[[], None]) -> None:
        await trio.sleep(self._commit_s * self._chance.random())
        self._alive()
        work()
        await trio.sleep(self._commit_s * self._chance.random())
        self._alive()

    def _alive(self) -> None:
        if self.dead:
            raise StoreClosed("this incarnation is dead")
