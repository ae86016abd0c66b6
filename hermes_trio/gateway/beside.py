"""A gateway whose store is shared: one boot after another, each under its lease, until its host leaves.

The host's body, the platforms and the store outlive a boot. What acts is in the boot's nursery, within the
scope of its lease.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import trio

from hermes_trio.errors import LeaseOver, StoreClosed
from hermes_trio.gateway.commit_lines import write_lines
from hermes_trio.gateway.drain import checkpoint, drain, leave, limit
from hermes_trio.gateway.handle import Gateway
from hermes_trio.gateway.lease import BootLease
from hermes_trio.gateway.store_clock import StoreClock
from hermes_trio.gateway.sweep import sweep
from hermes_trio.gateway.wiring import Wiring
from hermes_trio.intake.accounts import AccountReceivers
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log, MachineClock
from hermes_trio.runtime.outage import Outage
from hermes_trio.runtime.stop_times import CLOSE_S
from hermes_trio.values.homes import home_among
from hermes_trio.values.nodes import Renewal
from hermes_trio.values.recording import Setup
from hermes_trio.values.stored import Booted


class Boots:
    """The boots of one node.

    Args:
        make: makes a boot's wiring.
        lease_s: see `open_gateway`.
    """

    def __init__(
        self,
        make: Callable[..., Wiring],
        store: Store,
        setup: Setup,
        log: Log,
        outage: Outage,
        clock: MachineClock,
        lease_s: float,
    ) -> None:
        self._outage = outage
        self._make, self._store, self._setup, self._log, self._clock = make, store, setup, log, clock
        self._lease_s, self._last = lease_s, 0
        self._asked = trio.Event()
        self._ended = trio.Event()
        self._gateway: Gateway | None = None
        self._alive: set[int] = set()

    async def drain(self) -> None:
        """Have the boot that lives drain; return when it has left."""
        self._asked.set()
        if self._gateway is not None and not self._gateway.wiring.flows:
            self._limit()
        await self._ended.wait()

    def _limit(self) -> None:
        """Who is asked to stop, and whose boot is over or has drained, waits for the store CLOSE_S more."""
        if self._asked.is_set():
            self._store.end_within(CLOSE_S)

    async def live(self, task_status: trio.TaskStatus[Gateway]) -> None:
        """Begin a boot, and another when its lease is over, until asked to drain."""
        try:
            while not self._asked.is_set():
                await self._boot(task_status)
        finally:
            self._ended.set()

    async def _boot(self, task_status: trio.TaskStatus[Gateway]) -> None:
        store = self._store
        store.perform = partial(write_lines, self._log)
        try:
            booted, lease = await self._outage.outlast(self._join)
        except StoreClosed:
            if self._asked.is_set():
                return
            raise
        self._last = booted.boot
        async with trio.open_nursery() as around:
            with lease.scope:
                async with trio.open_nursery() as nursery:
                    lease.clock = StoreClock(self._clock, booted.at)
                    wiring = self._make(store, nursery, lease=lease, clock=lease.clock)
                    wiring.look_around = lease.look
                    wiring.moves.remember(booted.moved)
                    wiring.cooldowns.recall(booted.cooldowns)
                    wiring.recovery.say_if_clean(booted)
                    lease.guarded = booted.guarded
                    with wiring.flowing():
                        store.hinted = lease.hinted
                        try:
                            await self._act(wiring, lease, nursery, around, task_status)
                        except LeaseOver as error:
                            # The scope of one that was frozen may not have ended yet, and does now.
                            lease.scope.cancel(reason=str(error))
                        finally:
                            self._limit()
                    nursery.cancel_scope.cancel(reason="drained")
            around.cancel_scope.cancel(reason="its boot has ended")
        store.perform = partial(write_lines, self._log)
        if lease.scope.cancelled_caught:
            self._log.error("lease over", why=lease.why)
        else:
            await leave(store, self._log)

    async def _join(self) -> tuple[Booted, BootLease]:
        """One try. The lease is counted from before it was sent."""
        lease = BootLease(self._store, self._lease_s, self._log, self._outage, self._clock)
        booted = await self._store.join(self._setup, self._store.node, self._lease_s, self._last)
        return booted, lease

    async def _act(
        self,
        wiring: Wiring,
        lease: BootLease,
        nursery: trio.Nursery,
        around: trio.Nursery,
        task_status: trio.TaskStatus[Gateway],
    ) -> None:
        nursery.start_soon(wiring.delayed_starts.serve, name="delayed starts")
        nursery.start_soon(wiring.cooldowns.serve, name="cooldowns")
        nursery.start_soon(wiring.allowances.serve, name="allowances")
        nursery.start_soon(sweep, self._store, wiring.log, wiring.tidy, name="sweep")
        wiring.background.reap(await self._outage.outlast(self._store.left_processes))
        wiring.turns.open_turns()
        await nursery.start(
            wiring.receivers.serve_held, wiring.command_runner.help(admin=False), name="intake"
        )
        await around.start(lease.serve, partial(self._take_up, wiring), name="lease")
        if self._gateway is None:
            self._gateway = Gateway(wiring)
            task_status.started(self._gateway)
        else:
            before, self._gateway.wiring = self._gateway.wiring, wiring
            before.follow()
        await self._asked.wait()
        await drain(self._gateway, "asked", hands_over=lease.others)

    async def _hand_on(self, receivers: AccountReceivers) -> None:
        """Accounts that are not heard here are for others to try."""
        for account in receivers.deaf(self._lease_s):
            await receivers.release(account)
            if await self._store.hand_account(account) is not None:
                self._log.warning("account handed on", account=account)

    async def _take_up(self, wiring: Wiring, found: Renewal) -> None:
        """Hold the free accounts that are at home here; wake what has something to do and no task.

        What a boot finds when its tasks have left, or an account when it drains, is for others.
        """
        wiring.receivers.elsewhere = found.elsewhere
        if found.others:
            await self._hand_on(wiring.receivers)
        free = [one for one in found.free if home_among(found.nodes, one, one) == found.boot]
        for account in (*free, *found.held):
            if not wiring.receives:
                break
            if account in wiring.receivers.health():
                continue  # taken since
            try:
                held = await self._store.hold_account(account)
            except LeaseOver:
                return
            if held is None or not wiring.receives:
                continue
            for _, chat, until in held.penalties:
                wiring.outbox.remember(account, chat, until)
            wiring.receivers.take(account, held.cursor)
        if not wiring.flows:
            return
        await wiring.wake_lanes(found.lanes)
        behind = found.behind
        while behind is not None and wiring.flows:
            behind = await self._store.wake_idle(behind)
        if found.released:
            wiring.log.info("turns released", turns=found.released)
        if found.due is not None:
            wiring.cooldowns.deferred(found.due)
        await self._reap(wiring, {one.boot for one in found.nodes if one.name == self._store.node})

    async def _reap(self, wiring: Wiring, alive: set[int]) -> None:
        """End the programs of a boot of this node that is over by now. It was killed, and when this boot
        began its lease had not ended, so they were spared."""
        if self._alive - alive:
            left = await self._store.left_processes()
            if wiring.flows:
                wiring.background.reap(left)
        self._alive = alive


@asynccontextmanager
async def beside_others(
    make: Callable[..., Wiring],
    store: Store,
    setup: Setup,
    log: Log,
    outage: Outage,
    clock: MachineClock,
    lease_s: float,
) -> AsyncIterator[Gateway]:
    """The gateway of a node while the body runs, whichever boot of it lives."""
    boots = Boots(make, store, setup, log, outage, clock, lease_s)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(limit, store, trio.Event(), name="limit of the stop")
        gateway: Gateway = await nursery.start(boots.live, name="boots")
        try:
            yield gateway
        except BaseException:
            gateway.wiring.receivers.scope.cancel(reason="cancelled")
            await checkpoint(store, "cancelled", log)
            raise
        await boots.drain()
        nursery.cancel_scope.cancel(reason="drained")
