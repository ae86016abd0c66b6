"""The drain: write the checkpoint, wait for the turns that work, cancel the rest, send what is owed.

The drain is a courtesy. Everything promised is durable before it begins, so a SIGKILL at any point of it
costs nothing. Its time limits hold also when the disk hangs: a write that is only a courtesy is given up
after its time, and `limit` tells the store how long to wait for the disk at most.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import trio
from msgspec import Struct

from hermes_trio.errors import StoreClosed, StoreFailed
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.runtime.retry import Refused, until_stored
from hermes_trio.runtime.stop_times import CHECKPOINT_S, CLOSE_S, FLUSH_S, LEAVE_S
from hermes_trio.values.recording import Setup
from hermes_trio.values.stored import Booted


class Draining(Struct, frozen=True):
    """What a drain works on.

    Args:
        open_no_turns: synchronous; no turn is opened after it.
        no_turn_works: returns when every turn has ended, or waits for a person or a clock.
        stop_intake: synchronous; nothing is confirmed to a platform after it.
        cancel_sessions: synchronous; cancels the turns that still run and the processes. Their rows stay
            `running`.
        left: returns when every session's task has left.
        say_who_is_left: synchronous; logs the tasks that have not left. Nothing can cut a shielded task.
        flushed: returns when every lane has said what it had to say.
    """

    open_no_turns: Callable[[], None]
    no_turn_works: Callable[[], Awaitable[None]]
    stop_intake: Callable[[], None]
    cancel_sessions: Callable[[], None]
    left: Callable[[], Awaitable[None]]
    say_who_is_left: Callable[[], None]
    flushed: Callable[[], Awaitable[None]]


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


async def begin_boot(store: Store, setup: Setup, waits: Refused) -> tuple[Booted, Sequence[str]]:
    """Write the first commits of a boot. Returns what it found, and the rows that could not be read.

    Tried until the disk takes them. If the host is cancelled meanwhile, a disk that hangs holds it up for
    CLOSE_S at most.
    """
    left = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(limit, store, left, name="limit of the start")
        aside = await until_stored(store.clear_the_way, waits)
        booted = await until_stored(lambda: store.begin_boot(setup), waits)
        left.set()
    return booted, aside


async def _if_it_can_be(write: Callable[[], Awaitable[None]], within_s: float, log: Log) -> None:
    """A write that is only a courtesy. If the store does not take it in time, a line in the log says so."""
    with trio.move_on_after(within_s, shield=True) as scope:
        try:
            await write()
        except (StoreFailed, StoreClosed) as error:
            log.error("checkpoint failed", why=f"{type(error).__name__}: {error}")
    if scope.cancelled_caught:
        log.error("checkpoint failed", why="no commit in time")


async def drain(work: Draining, store: Store, log: Log, *, why: str, deadline: trio.CancelScope) -> None:
    """Let turns that work finish, at most until `deadline`. Cancel those that do not. Send what is owed."""
    work.open_no_turns()
    await checkpoint(store, why, log)
    with deadline:
        await work.no_turn_works()
    work.stop_intake()
    work.cancel_sessions()
    with trio.move_on_after(LEAVE_S) as leaving:
        await work.left()
    if leaving.cancelled_caught:
        work.say_who_is_left()
    with trio.move_on_after(FLUSH_S):
        await work.flushed()
