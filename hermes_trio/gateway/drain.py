"""The drain: write the checkpoint, wait for the turns that work, cancel the rest, send what is owed.

The drain is a courtesy. Everything promised is durable before it begins, so a SIGKILL at any point of it
costs nothing. Its time limits hold also when the disk hangs: a write that is only a courtesy is given up
after its time, and `limit` tells the store how long to wait for the disk at most.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from hermes_trio.errors import LeaseOver, StoreClosed, StoreFailed
from hermes_trio.gateway.handle import Gateway
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.runtime.retry import until_stored
from hermes_trio.runtime.stop_times import CHECKPOINT_S, CLOSE_S, FLUSH_S, LEAVE_S
from hermes_trio.text.foreign_errors import told_in_short


async def checkpoint(store: Store, why: str, log: Log) -> None:
    """Write reason and time on every running turn, also while the host is being cancelled; at most 2 s."""

    async def write() -> None:
        turns = await store.checkpoint(why)
        log.info("checkpoint", why=why, turns=turns)

    await _if_it_can_be(write, CHECKPOINT_S, log)


async def end_boot(store: Store, log: Log) -> None:
    """Write the last commit of a boot that ended as asked. Without it the next boot assumes a crash."""
    await _if_it_can_be(store.end_boot, CLOSE_S, log)


async def limit(store: Store, left: trio.Event) -> None:
    """When this task is cancelled, tell the store to wait for the disk no longer than CLOSE_S from then on.

    It runs in the nursery whose body it limits, so a cancel of that nursery reaches this task too.

    Args:
        left: set when the body has ended without a cancel. Then the store is told nothing.
    """
    try:
        await left.wait()
    except trio.Cancelled:
        store.end_within(CLOSE_S)
        raise


async def _if_it_can_be(write: Callable[[], Awaitable[None]], within_s: float, log: Log) -> None:
    """A write that is only a courtesy. If the store does not take it in time, a line in the log says so."""
    with trio.move_on_after(within_s, shield=True) as scope:
        try:
            await write()
        except (StoreFailed, StoreClosed, LeaseOver) as error:
            log.error("checkpoint failed", why=told_in_short(error))
    if scope.cancelled_caught:
        log.error("checkpoint failed", why="no commit in time")


async def _nobody() -> bool:
    return False


async def drain(gateway: Gateway, why: str, *, hands_over: Callable[[], Awaitable[bool]] = _nobody) -> None:
    """Let turns that work finish, until `drain_deadline`; cancel those that do not. Send what is owed.

    The rows of turns that are cancelled stay `running`: the next boot goes on with them.

    Args:
        hands_over: whether another boot lives that shares the store. It takes the accounts at once, and says
            what is owed.
    """
    wiring = gateway.wiring
    wiring.draining = True
    gateway.hurry(wiring.options.drain_timeout_s)
    wiring.turns.open_no_turns()
    if await hands_over():
        wiring.receivers.scope.cancel(reason=why)
        await _if_it_can_be(partial(until_stored, wiring.store.drain), CHECKPOINT_S, wiring.log)
    await checkpoint(wiring.store, why, wiring.log)
    with wiring.drain_deadline:
        await wiring.turns.limiter.none_held()
    wiring.receivers.scope.cancel(reason=why)
    wiring.sessions.cancel(why)
    wiring.background.cancel(why)
    with trio.move_on_after(LEAVE_S) as leaving:
        await wiring.sessions.empty()
    if leaving.cancelled_caught:
        wiring.sessions.say_who_is_left()
    with trio.move_on_after(FLUSH_S):
        await wiring.lanes.empty()


async def leave(store: Store, log: Log) -> None:
    """Write the last commit of a boot that shared its store. Without it the others wait for its lease."""
    await _if_it_can_be(store.leave, CLOSE_S, log)
