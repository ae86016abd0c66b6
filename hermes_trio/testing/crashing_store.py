"""A store whose incarnations can be killed: the World owns the connection, a crash cuts the way to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Literal

import trio

from hermes_trio.errors import StoreClosed
from hermes_trio.ports.system import Chance, WallClock
from hermes_trio.store.engine import Engine
from hermes_trio.store.promise_store import PromiseStore
from hermes_trio.store.sqlite.engine import SqliteEngine
from hermes_trio.testing.wall_clock import FreezingClock

Moment = Literal["before", "after", "told", "hangs"]


class Hang:
    """A disk that hangs once.

    Args:
        nth: at which commit from now; 0: it does not.
        for_s: how long, unless it is ended before.
        done: that commit is durable by then, and nobody knows of it yet.

    Attributes:
        hung: it hangs now.
    """

    def __init__(self, nth: int = 0, for_s: float = 0.0, *, done: bool = False) -> None:
        self.done = done
        self.hung = False
        self._nth = nth
        self._for_s = for_s
        self._ended = trio.Event()

    def now(self) -> bool:
        """One commit more. Returns whether it is the one at which the disk hangs."""
        self._nth -= 1
        return self._nth == 0

    async def over(self) -> None:
        """Return when the disk hangs no longer."""
        self.hung = True
        try:
            with trio.move_on_after(self._for_s):
                await self._ended.wait()
        finally:
            self.hung = False

    def end(self) -> None:
        """It hangs no longer, and will not."""
        self._nth = 0
        self._ended.set()


class CrashingStore(PromiseStore):
    """The real store on a database that outlives it.

    Its work runs inline, between two virtual delays, so that groups, cancels and crashes fall before
    a commit and between a commit and its being told. After `kill` nothing is written and nobody is told.

    Args:
        commit_s: a commit takes up to this long before it and after it, in virtual seconds. Where it takes
            any time, chance also says how many callers are committed at once.
        at: called synchronously at each moment of a commit: "before" it; "after" it, when its caller does not
            know of it yet; "told", when its caller learns of it; "hangs", when the disk begins to hang. If it
            kills the store, the caller hears nothing.
        node: of several that share the connection.

    Attributes:
        slow_s: added to each of the two delays.
        hangs: how the disk hangs.
        machine: the clocks of the machine that its life runs on. While that is frozen no commit is asked for
            or heard of.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        clock: WallClock,
        chance: Chance,
        commit_s: float,
        at: Callable[[Moment], None] = lambda moment: None,
        *,
        node: str | None = None,
    ) -> None:
        # What is no connection to SQLite makes the engine of each life itself: this tree's tests have such.
        engine: Engine = db.engine() if hasattr(db, "engine") else SqliteEngine(db, lambda: False)
        super().__init__(engine, clock, self._run, shared=node is not None, node=node or "")
        self.machine = FreezingClock(clock)
        self._chance = chance
        self.commit_s = commit_s
        self.slow_s = 0.0
        self.hangs = Hang()
        self._at = at
        self.dead = False
        if commit_s:
            self._writer.group_max = lambda: 1 + chance.getrandbits(3)

    @property
    def boot(self) -> int:
        """The boot that the commit under way is for; 0 before there is one."""
        return self._writer._writes_for

    def kill(self) -> None:
        """From now on each call raises and none writes."""
        self.dead = True
        self.machine.wake()

    async def _run(self, work: Callable[[], None]) -> None:
        hang = self.hangs
        hangs = hang.now()
        if hangs:
            self._at("hangs")
        await self._delay(hang if hangs and not hang.done else None)
        self._alive()
        self._at("before")
        self._alive()
        work()
        self._at("after")
        self._alive()
        await self._delay(hang if hangs and hang.done else None)
        self._alive()
        self._at("told")

    async def _delay(self, hang: Hang | None) -> None:
        if hang is not None:
            await hang.over()
        await trio.sleep(self.commit_s * self._chance.random() + self.slow_s)
        await self.machine.awake()

    def _alive(self) -> None:
        if self.dead:
            raise StoreClosed("this incarnation is dead")
