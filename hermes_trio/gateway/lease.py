"""The lease of a boot that shares its store: a scope around all that acts, which ends unless it is renewed.

The scope's deadline is counted from before a renewal was asked for, less a margin: what a frozen or cut-off
boot still does ends before another boot may bury it. Only an answer of the store moves the deadline.

A process that was frozen wakes behind its deadline, in the middle of a line, and before any deadline of the
loop is looked at; and the loop's clock stands still while a machine sleeps. So whoever acts on the outside
world calls `check` right before it, with nothing awaited in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from hermes_trio.errors import AgentError, LeaseOver, StoreClosed, StoreFailed
from hermes_trio.gateway.store_clock import StoreClock
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log, MachineClock
from hermes_trio.runtime import wrong_use
from hermes_trio.runtime.outage import Outage
from hermes_trio.values.nodes import LEASE_MIN_S, MARGIN_S, Renewal

AGAIN_S = 0.25
LOOK_S = 1.0
OVER = "its lease is over"


def checked(lease_s: float) -> float:
    """How long a lease is. Raises AgentError: no gateway can share a store by it."""
    wrong_use.seconds("open_gateway: lease_s", lease_s)
    if lease_s < LEASE_MIN_S:
        raise AgentError(f"open_gateway: lease_s is at least {LEASE_MIN_S:g} seconds, not {lease_s:g}")
    return lease_s


class BootLease:
    """How long a boot may act.

    Args:
        lease_s: for how long each renewal asks. The first is counted from here, so it is made before the
            boot's first commit is asked for.

    Attributes:
        scope: ends with the lease. Whoever acts runs in it.
        why: if it has ended so.
        clock: the store's time, once the boot has begun; set by whoever begins it.
        guarded: lives of this node before it ended badly, and it has not lasted yet.
    """

    def __init__(self, store: Store, lease_s: float, log: Log, outage: Outage, clock: MachineClock) -> None:
        self.scope = trio.CancelScope()
        self.why = OVER
        self._others = self.guarded = False
        self.clock: StoreClock | None = None
        self._store, self._lease_s, self._log, self._clock = store, lease_s, log, clock
        self._outage = outage
        self._woken, self._looks = trio.Event(), True
        self._renewed = trio.Event()
        self._newest: Renewal | None = None
        self._news = trio.Event()
        self._renewed_at, self._over_at = 0.0, 0.0
        self._count_from(*self._now())

    async def check(self) -> None:
        """Return if the boot may act now. Then nothing is awaited before the act. If it may not, it ends.

        Raises:
            LeaseOver: the lease is over, and the caller is shielded from the end of its scope. Others are
                cancelled.
        """
        if self._clock.boottime() < self._over_at:
            return
        self.scope.cancel(reason=OVER)
        await trio.lowlevel.checkpoint_if_cancelled()
        raise LeaseOver(OVER)

    def look(self) -> None:
        """Renew at once: another boot has come, drains, or is over."""
        self._looks = True
        self._woken.set()

    def hinted(self) -> None:
        """There may be signals to this boot."""
        self._woken.set()

    async def others(self) -> bool:
        """Whether another boot lives, that could take up what this one leaves: by a look at the store, or by
        the last one if the store does not answer in time."""
        asked_at = trio.current_time()
        self.look()
        with trio.move_on_after(LOOK_S):
            while self._renewed_at < asked_at:
                await self._renewed.wait()
        return self._others

    async def serve(
        self,
        found: Callable[[Renewal], Awaitable[None]],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Renew every third of it, and when another lease ends, until cancelled or until it is over.

        Args:
            found: acts on what the newest renewal has found, in a task of its own: under load it takes longer
                than a lease. It has been called once when this has started.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._act_on, found, task_status, name="take up")
            await self._keep()
            nursery.cancel_scope.cancel(reason=OVER)

    async def _act_on(
        self, found: Callable[[Renewal], Awaitable[None]], task_status: trio.TaskStatus[None]
    ) -> None:
        started = False
        while True:
            await self._news.wait()
            self._news = trio.Event()
            assert self._newest is not None
            try:
                await found(self._newest)
            except LeaseOver as error:
                self._ends(error)
                return
            except StoreClosed:
                return
            except StoreFailed:
                continue  # the next renewal finds it again
            if not started:
                started = True
                task_status.started()

    async def _keep(self) -> None:
        """Renew until the lease is over."""
        wait_s = 0.0
        while True:
            self._woken = trio.Event()
            try:
                if self._looks or wait_s <= 0:
                    self._looks = False
                    wait_s = await self._renew()
                else:
                    await self._store.take_signals()
            except LeaseOver as error:
                self._ends(error)
                return
            except StoreClosed:
                return  # whoever stops waits for the store no longer
            except StoreFailed as error:
                self._outage.goes_on(error)
                self.why = f"it could not be renewed, since the store fails: {error}"
                wait_s = 0.0
                await trio.sleep(AGAIN_S)
                continue
            until = self._renewed_at + wait_s
            if not self._looks:
                with trio.move_on_at(until):
                    await self._woken.wait()
            if trio.current_time() >= until:
                wait_s = 0.0

    def _ends(self, error: LeaseOver) -> None:
        self.why = str(error)
        self.scope.cancel(reason=OVER)

    async def _renew(self) -> float:
        asked_at = self._now()
        renewal = await self._store.renew(self._lease_s)
        self._count_from(*asked_at)
        self._outage.is_over()
        self.why = OVER
        if self.clock is not None:
            self.clock.is_now(renewal.at)
        self._others, self.guarded = renewal.others, renewal.guarded
        self._renewed.set()
        self._renewed = trio.Event()
        for boot in renewal.lapsed:
            if await self._store.bury(boot, self._lease_s):
                self._log.warning("boot buried", boot=boot)
                self.look()
        self._newest = renewal
        self._news.set()
        third = self._lease_s / 3
        if renewal.looks_at is None or renewal.lapsed:
            return third
        return min(third, renewal.looks_at - renewal.at)

    def _now(self) -> tuple[float, float]:
        return trio.current_time(), self._clock.boottime()

    def _count_from(self, asked_at: float, boottime: float) -> None:
        self._renewed_at = asked_at
        self.scope.deadline = asked_at + self._lease_s - MARGIN_S
        self._over_at = boottime + self._lease_s - MARGIN_S
