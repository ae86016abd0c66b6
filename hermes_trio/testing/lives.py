"""The lives of a World's gateway, one at a time: started, stopped, and killed at any point."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import trio

from hermes_trio.errors import StoreClosed
from hermes_trio.gateway.handle import Gateway
from hermes_trio.testing.crashing_store import CrashingStore, Moment
from hermes_trio.testing.cut_points import Rounds
from hermes_trio.testing.incarnation import Incarnation
from hermes_trio.testing.record import Record

Open = Callable[[Incarnation], AbstractAsyncContextManager[Gateway]]
MakeStore = Callable[[int, Callable[[Moment], None]], CrashingStore]


class Lives:
    """Starts, stops and kills. A life is a task of the nursery that it is given.

    Args:
        make_store: makes a life's store from its number, and whom to tell of each commit.
        open: opens a life's gateway. It may run beside the unwinding of the one before.

    Attributes:
        now: the one that runs, None between two. `last`: the newest, which may still unwind after a crash.
        count: how many there have been. `restarts_asked`: how often they were asked to start anew.
    """

    def __init__(self, nursery: trio.Nursery, make_store: MakeStore, open: Open, record: Record) -> None:
        self.now: Incarnation | None = None
        self.last: Incarnation | None = None
        self.count = self.restarts_asked = 0
        self._nursery = nursery
        self._make_store = make_store
        self._open = open
        self._record = record
        self._commits: dict[Moment, tuple[int, Callable[[], None]]] = {}
        self._crashed = trio.Event()

    async def start(self) -> Gateway:
        """Begin the next life; return when it is ready.

        Raises:
            RuntimeError: one runs; or this one was killed before it was ready.
        """
        if self.now is not None:
            raise RuntimeError("a gateway is running; stop or crash it first")
        self.count += 1
        life = Incarnation(self.count, self._make_store(self.count, self._at_commit), self._restart_asked)
        self.now = self.last = life
        self._crashed = trio.Event()
        self._record.add_on(life.node, "world", "start", boot=life.number)
        return await self._nursery.start(self._live, life, name=f"boot {life.number}")  # type: ignore[no-any-return]

    async def _live(self, life: Incarnation, task_status: trio.TaskStatus[Gateway]) -> None:
        life.enter()
        dead: BaseExceptionGroup[Exception] | None = None
        try:
            with life.scope:
                async with self._open(life) as gateway:
                    await gateway.ready()
                    life.gateway = gateway
                    task_status.started(gateway)
                    await life.stop.wait()
                await life.clock.awake()
        except* StoreClosed as group:
            dead = group
        finally:
            if self.now is life:
                self.now = None
            life.ended.set()
        if dead is not None and not life.dead:
            raise dead

    def crash(self) -> None:
        """Kill the one that runs, now.

        Raises:
            RuntimeError: none does.
        """
        if self.now is None:
            raise RuntimeError("no gateway is running")
        self._record.add_on(self.now.node, "world", "crash", boot=self.now.number)
        self.now.kill()
        self.now = None
        self._commits.clear()
        self._crashed.set()

    def crash_at_commit(self, moment: Moment, count: int) -> None:
        """Have it crash by itself before, or right after, the n-th commit from now."""
        self.at_commit(moment, count, self.crash)

    def at_commit(self, moment: Moment, count: int, happens: Callable[[], None]) -> None:
        """Have this called, synchronously, before, or right after, the n-th commit from now. One moment has
        one such call, the newest; a crash takes it back."""
        self._commits[moment] = count, happens

    def freeze(self, for_s: float) -> None:
        """Freeze the machine of the one that runs, for so many seconds.

        Raises:
            RuntimeError: none does.
        """
        if self.now is None:
            raise RuntimeError("no gateway is running")
        self._record.add_on(self.now.node, "world", "freeze", boot=self.now.number, for_s=for_s)
        self.now.freeze(for_s)

    def freeze_at_commit(self, moment: Moment, count: int, for_s: float) -> None:
        """Have it frozen before, or right after, the n-th commit from now."""
        self.at_commit(moment, count, lambda: self.freeze(for_s))

    def crash_at_round(self, count: int) -> None:
        """Have it crash by itself after so many rounds of the scheduler."""
        life = self.now
        rounds: Rounds

        def act() -> None:
            trio.lowlevel.remove_instrument(rounds)
            if life is not None and life is self.now:
                self.crash()

        rounds = Rounds(count, act)
        trio.lowlevel.add_instrument(rounds)

    async def crashed(self) -> None:
        """Return when the one that runs has crashed; at once if none runs."""
        if self.now is not None:
            await self._crashed.wait()

    async def stop(self) -> None:
        """Stop it as a SIGTERM would: drain, then leave. A crash meanwhile ends it too, and did so before."""
        life = self.now
        if life is None:
            return
        self._record.add_on(life.node, "world", "stop", boot=life.number)
        life.stop.set()
        await life.ended.wait()

    def _restart_asked(self) -> None:
        self.restarts_asked += 1

    def _at_commit(self, moment: Moment) -> None:
        if moment in self._commits:
            left, happens = self._commits.pop(moment)
            if left > 1:
                self._commits[moment] = left - 1, happens
            else:
                happens()
