"""The Store port as a table: which promise keeps which method, on any engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import trio

from hermes_trio.ports.system import WallClock
from hermes_trio.runtime.threads import own_thread
from hermes_trio.store import locks as lock
from hermes_trio.store.engine import Engine, RunBlocking
from hermes_trio.store.locks import Locked, Locks
from hermes_trio.store.promises import (
    accounts,
    alive,
    boot,
    commands,
    deferral,
    delivery,
    intake,
    key_tasks,
    live_rows,
    moved_chats,
    node_views,
    nodes,
    quarantine,
    recording,
    signals,
    sweep,
    transcript,
    turn_page,
    turns,
    unreadable,
    views,
)
from hermes_trio.store.promises import next_turn as opening
from hermes_trio.store.promises import processes as programs
from hermes_trio.store.tx import Tx
from hermes_trio.store.writer import Writer
from hermes_trio.values.consequences import Consequence, Perform
from hermes_trio.values.recording import Setup
from hermes_trio.values.stored import Booted

P = ParamSpec("P")
T = TypeVar("T")
Method = Callable[Concatenate["PromiseStore", P], Coroutine[Any, Any, T]]
LINGER_S = 0.002
"""How long a busy writer waits for more to commit with; an idle one commits at once."""


def nothing() -> None:
    """Close nothing: whoever passed the connection in closes it."""


def _perform_nothing(_: Sequence[Consequence]) -> None:
    """Before a gateway listens, a commit has nobody to wake."""


_LOCKED: dict[Callable[..., Any], Locked] = {
    boot.begin_boot: lock.everything,
    nodes.join: lock.everything,
    unreadable.clear_the_way: lock.everything,
}
"""What each promise locks where others write into the store meanwhile."""


def _locks_of(promise: Callable[..., Any], args: tuple[Any, ...]) -> Locks:
    if isinstance(promise, partial):
        return _LOCKED[promise.func](*args, **promise.keywords)
    return _LOCKED[promise](*args)


def _is_by_itself(promise: Callable[..., Any]) -> bool:
    return _LOCKED.get(promise) is lock.by_itself


_URGENT = frozenset(
    {nodes.renew, nodes.bury, nodes.drain, signals.take_signals, accounts.hold_account, accounts.hand_account}
)
"""What comes in time however much waits: load ends no lease, and holds up no account and no stop."""


def promise(of: Callable[Concatenate[Tx, P], T], locks: Locked) -> Method[P, T]:
    """The method of the port that this function of a transaction keeps."""
    _LOCKED[of] = locks

    def kept(store: PromiseStore, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        return store._do(partial(of, **kwargs) if kwargs else of, *args)

    return kept


def asking(of: Callable[Concatenate[Tx, P], T], locks: Locked = lock.nothing) -> Method[P, T]:
    """As `promise`, for what nobody has to hear: its caller leaves at once where it is cancelled."""
    _LOCKED[of] = locks

    def asked(store: PromiseStore, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
        return store._ask(partial(of, **kwargs) if kwargs else of, *args)

    return asked


class PromiseStore:
    """A Store whose promises are functions of a transaction, whatever database is under it.

    Args:
        engine: the database; this store is its only user until `serve` is left.
        clock: gives each commit its wall time.
        run_blocking: does the database's work off the loop; by default in a thread of the store's own.
        close: called when `serve` is left, off the loop as all that it does.
        shared: other boots may write into the store meanwhile.
        node: how this one is called among them.

    Attributes:
        hinted: called when there may be signals for this boot, or this boot is over. A hint may be lost.
    """

    def __init__(
        self,
        engine: Engine,
        clock: WallClock,
        run_blocking: RunBlocking | None = None,
        *,
        close: Callable[[], None] = nothing,
        shared: bool = False,
        node: str = "",
    ) -> None:
        self._run_blocking = run_blocking
        self._close = close
        self._writer = Writer(engine, _perform_nothing, unreadable.clear_the_way)
        self._writer.now = clock.now
        self.shared, self.node = shared, node
        self.hinted: Callable[[], None] = nothing
        self._writer.shared = shared
        self._writer.leave = signals.route
        self._writer.ended = lambda: self.hinted()
        self._writer.is_urgent = _URGENT.__contains__
        if engine.is_alone:
            self._writer.enter = alive.fence
        else:
            self._writer.locks_of, self._writer.is_by_itself = _locks_of, _is_by_itself
        self._do, self._ask = self._writer.do, self._writer.ask

    @property
    def perform(self) -> Perform:
        """What is handed the consequences of each commit."""
        return self._writer.perform

    @perform.setter
    def perform(self, perform: Perform) -> None:
        self._writer.perform = perform

    def hints(self, hint: Callable[[], object]) -> None:
        """Have this called when a commit has left signals to others."""
        self._writer.hint = hint

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Self]:
        """See the port."""
        if self._run_blocking is not None:
            try:
                async with self._writer.serve(self._run_blocking):
                    yield self
            finally:
                self._close()
            return
        with own_thread("hermes-trio store") as thread:
            try:
                async with self._writer.serve(thread.run, linger_s=LINGER_S):
                    yield self
            finally:
                # By the thread that has used it: what hangs there cannot be closed from here.
                with trio.CancelScope(shield=True, deadline=self._writer.ends_at):
                    await thread.run(self._close)

    def end_within(self, seconds: float) -> None:
        """See the port."""
        self._writer.end_within(seconds)

    async def begin_boot(self, setup: Setup | None = None) -> Booted:
        """See the port."""
        booted = await self._do(boot.begin_boot, setup)
        self._writer.boot = booted.boot
        return booted

    async def join(self, setup: Setup | None, node: str, lease_s: float, last: int = 0) -> Booted:
        """See the port."""
        self._writer.boot = 0  # the one before is over, and writes nothing
        booted = await self._do(nodes.join, setup, node, lease_s, last)
        self._writer.boot = booted.boot
        return booted

    renew = promise(nodes.renew, lock.nothing)
    wake_idle = promise(nodes.wake_idle, lock.nothing)
    bury = promise(nodes.bury, lock.by_itself)
    drain = asking(nodes.drain, lock.nothing)
    leave = asking(nodes.leave, lock.everything)
    hold_account = promise(accounts.hold_account, lock.of_account)
    hand_account = promise(accounts.hand_account, lock.of_account)
    leave_key = promise(key_tasks.leave_key, lock.of_key)
    take_signals = promise(signals.take_signals, lock.nothing)

    end_boot = asking(boot.end_boot, lock.everything)
    abandon = promise(boot.abandon, lock.of_turn)
    pause = promise(boot.pause, lock.of_turn)
    release = promise(boot.release, lock.everything)
    conclude = promise(boot.conclude, lock.of_turn)
    checkpoint = asking(boot.checkpoint)
    wake_all = promise(boot.wake_all, lock.everything)
    commands_waiting = asking(boot.commands_waiting)
    drop = promise(boot.drop, lock.of_messages)
    probe = promise(boot.probe, lock.nothing)

    cursor = asking(intake.cursor)
    accept = promise(intake.accept, lock.of_batch)
    next_command = promise(commands.next_command, lock.of_key)
    settle = promise(commands.settle, lock.of_command)
    prompt = promise(commands.prompt, lock.of_command)
    restart = promise(commands.restart, lock.of_command)
    stop = promise(commands.stop, lock.of_key)
    reset = promise(commands.reset, lock.of_key)
    resume = promise(commands.resume, lock.of_key)

    has_work = asking(opening.has_work)
    next_turn = promise(opening.next_turn, lock.of_key)
    history = asking(transcript.history)
    others_spoke = asking(transcript.others_spoke)
    begin_step = promise(turns.begin_step, lock.of_turn)
    end_step = promise(turns.end_step, lock.of_turn)
    asked = asking(turns.asked)
    show = asking(live_rows.show, lock.of_turn)
    close_turn = promise(turns.close_turn, lock.of_turn)

    begin_delivery = promise(delivery.begin_delivery, lock.of_lane)
    record_delivery = promise(delivery.record_delivery, lock.of_part)
    fail_delivery = promise(delivery.fail_delivery, lock.of_part)
    penalty = promise(delivery.penalty, lock.nothing)
    chat_moved = promise(moved_chats.chat_moved, lock.everything)
    keep_cooldowns = promise(deferral.keep_cooldowns, lock.everything)
    retry_deferred = promise(deferral.retry_deferred, lock.everything)

    begin_process = promise(programs.begin_process, lock.of_born)
    process_runs = promise(programs.process_runs, lock.of_process)
    end_process = promise(programs.end_process, lock.of_process)
    match_process = promise(programs.match_process, lock.of_process)
    processes = asking(programs.processes, lock.of_key)
    process = asking(programs.process)
    process_output = asking(programs.process_output)
    left_processes = asking(programs.left_processes, lock.everything)

    clear_the_way = promise(unreadable.clear_the_way, lock.everything)
    look_through = asking(sweep.look_through, lock.everything)
    fail_next = promise(quarantine.fail_next, lock.of_key)
    fail_command = promise(quarantine.fail_command, lock.of_key)
    fail_part = promise(quarantine.fail_part, lock.of_lane)

    ledger = asking(views.ledger)
    sessions = asking(views.sessions)
    session = asking(views.session)
    status = asking(views.status)
    nodes = asking(node_views.nodes)
    turn_page = asking(turn_page.turn_page)
    recording_head = asking(recording.head)
    recording_rows = asking(recording.rows)
