"""The lease of a boot that shares its store: a scope around all that acts, which ends unless it is renewed.

The scope's deadline is counted from before a renewal was asked for, less a margin: what a frozen or cut-off
boot still does ends before another boot may bury it. Only an answer of the store moves the deadline.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from hermes_trio.errors import LeaseOver, StoreFailed
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.values.nodes import Renewal

LEASE_S = 15.0
MARGIN_S = 3.0
"""TERM's grace, and what a stall may take."""
AGAIN_S = 0.25


class BootLease:
    """How long a boot may act.

    Args:
        lease_s: for how long each renewal asks.
        began: `trio.current_time()` before the boot's first commit was asked for.

    Attributes:
        scope: ends with the lease. Whoever acts runs in it.
        others: another boot lives, that could take up what this one leaves.
    """

    def __init__(self, store: Store, lease_s: float, log: Log, began: float) -> None:
        self.scope = trio.CancelScope(deadline=began + lease_s - MARGIN_S)
        self.others = False
        self._store, self._lease_s, self._log = store, lease_s, log
        self._woken, self._looks, self._renewed_at = trio.Event(), True, began

    def look(self) -> None:
        """Renew at once: another boot has come, drains, or is over."""
        self._looks = True
        self._woken.set()

    def hinted(self) -> None:
        """There may be signals to this boot."""
        self._woken.set()

    async def serve(
        self,
        found: Callable[[Renewal], Awaitable[None]],
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Renew every third of it, and when another lease ends, until cancelled or until it is over.

        Args:
            found: acts on what a renewal has found.
        """
        wait_s, started = 0.0, False
        while True:
            self._woken = trio.Event()
            try:
                if self._looks or wait_s <= 0:
                    self._looks = False
                    wait_s = await self._renew(found)
                else:
                    await self._store.take_signals()
            except LeaseOver as error:
                self._log.error("lease over", why=str(error))
                self.scope.cancel(reason="its lease is over")
                return
            except StoreFailed:
                wait_s = 0.0
                await trio.sleep(AGAIN_S)
                continue
            if not started:
                started = True
                task_status.started()
            until = self._renewed_at + wait_s
            if not self._looks:
                with trio.move_on_at(until):
                    await self._woken.wait()
            if trio.current_time() >= until:
                wait_s = 0.0

    async def _renew(self, found: Callable[[Renewal], Awaitable[None]]) -> float:
        asked_at = trio.current_time()
        renewal = await self._store.renew(self._lease_s)
        self._renewed_at = asked_at
        self.scope.deadline = asked_at + self._lease_s - MARGIN_S
        self.others = renewal.others
        for boot in renewal.lapsed:
            if await self._store.bury(boot):
                self._log.warning("boot buried", boot=boot)
                self.look()
        await found(renewal)
        third = self._lease_s / 3
        if renewal.looks_at is None or renewal.lapsed:
            return third
        return min(third, renewal.looks_at - renewal.at)
