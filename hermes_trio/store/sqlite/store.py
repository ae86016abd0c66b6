"""The Store port on SQLite: WAL, synchronous=FULL, one file, one writer, one connection."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import trio

from hermes_trio.ports.store import (
    NO_RESET,
    AcceptRules,
    Begun,
    Booted,
    Claimed,
    Closing,
    GaveUp,
    InDoubt,
    Mark,
    Opened,
    PendingCommand,
    Reply,
    StatusView,
    StepRow,
    Stopped,
    Store,
    WaitForMore,
)
from hermes_trio.ports.system import WallClock
from hermes_trio.runtime.threads import own_thread
from hermes_trio.store.promises import (
    boot,
    deferral,
    delivery,
    intake,
    moving,
    next_turn,
    recording,
    rows,
    sessions,
    transcript,
    turns,
    unreadable,
    views,
)
from hermes_trio.store.sqlite.file import opened
from hermes_trio.store.sqlite.processes import ProcessPromises
from hermes_trio.store.sqlite.row_promises import RowPromises
from hermes_trio.store.sqlite.writer import RunBlocking, Writer
from hermes_trio.values.actions import Prompt
from hermes_trio.values.consequences import Consequence, Perform
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import ConversationKey, Lane
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.message import Decided, OutcomeName
from hermes_trio.values.outbound_states import Failure
from hermes_trio.values.recording import RecordingHead, RecordingPart, RecordingRows, Setup
from hermes_trio.values.reset_policy import ResetPolicy
from hermes_trio.values.transcript import Entry
from hermes_trio.values.views import LedgerRow, SessionView

LINGER_S = 0.002
"""How long a busy writer waits for more to commit with; an idle one commits at once."""


def _nothing() -> None:
    """Close nothing: whoever passed the connection in closes it."""


def _perform_nothing(_: Sequence[Consequence]) -> None:
    """Before a gateway listens, a commit has nobody to wake."""


class SqliteStore(ProcessPromises, RowPromises):
    """A Store over one SQLite connection.

    Args:
        db: from `schema.connect`; this store is its only user until `serve` is left.
        clock: gives each commit its wall time.
        run_blocking: runs SQLite work off the loop; by default in a thread of the store's own.
        close: called when `serve` is left, off the loop as all that it does.
        removed: says whether the file is gone; nothing is promised any more then.
    """

    def __init__(
        self,
        db: sqlite3.Connection,
        clock: WallClock,
        run_blocking: RunBlocking | None = None,
        *,
        close: Callable[[], None] = _nothing,
        removed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._run_blocking = run_blocking
        self._close = close
        self._writer = Writer(db, _perform_nothing, unreadable.clear_the_way)
        self._writer.now = clock.now
        self._writer.removed = removed
        self._do, self._ask = self._writer.do, self._writer.ask

    @property
    def perform(self) -> Perform:
        """What is handed the consequences of each commit."""
        return self._writer.perform

    @perform.setter
    def perform(self, perform: Perform) -> None:
        self._writer.perform = perform

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[SqliteStore]:
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

    async def end_boot(self) -> None:
        """See the port."""
        await self._ask(boot.end_boot)

    async def abandon(self, turn: int, reason: str, text: str = "", *, suspend: bool = False) -> None:
        """See the port."""
        await self._do(boot.abandon, turn, reason, text, suspend)

    async def pause(self, turn: int, text: str) -> None:
        """See the port."""
        await self._do(boot.pause, turn, text)

    async def release(self) -> int:
        """See the port."""
        return await self._do(boot.release)

    async def conclude(self, turn: int, parts: Sequence[Part]) -> None:
        """See the port."""
        await self._do(boot.conclude, turn, parts)

    async def checkpoint(self, why: str) -> int:
        """See the port."""
        return await self._ask(boot.checkpoint, why)

    async def wake_all(self) -> None:
        """See the port."""
        await self._do(boot.wake_all)

    async def commands_waiting(self) -> int:
        """See the port."""
        return await self._ask(boot.commands_waiting)

    async def cursor(self, account: str) -> str | None:
        """See the port."""
        return await self._ask(intake.read_cursor, account)

    async def accept(
        self, account: str, decided: Sequence[Decided], cursor: str | None, rules: AcceptRules
    ) -> Sequence[Decided]:
        """See the port."""
        return await self._do(intake.accept, account, decided, cursor, rules)

    async def next_command(self, key: ConversationKey) -> PendingCommand | None:
        """See the port."""
        return await self._do(intake.next_command, key)

    async def settle(self, command: int, outcome: OutcomeName, reason: str, reply: Reply | None) -> None:
        """See the port."""
        await self._do(intake.settle, command, outcome, reason, reply)

    async def prompt(self, command: int, prompt: Prompt, rules: AcceptRules) -> None:
        """See the port."""
        await self._do(intake.prompt, command, prompt, rules)

    async def restart(self, command: int, says: str) -> None:
        """See the port."""
        await self._do(intake.restart, command, says)

    async def stop(
        self,
        key: ConversationKey,
        command: int | None,
        why: str,
        *,
        session: int | None = None,
        everything: bool = False,
    ) -> Stopped:
        """See the port."""
        return await self._do(intake.stop, key, command, why, session, everything)

    async def reset(
        self,
        key: ConversationKey,
        command: int | None,
        why: str,
        *,
        turn: int | None = None,
        session: int | None = None,
    ) -> int:
        """See the port."""
        return await self._do(sessions.reset, key, command, why, turn, session)

    async def resume(self, key: ConversationKey, command: int | None, session: int | None) -> int | None:
        """See the port."""
        return await self._do(sessions.resume, key, command, session)

    async def next_turn(
        self,
        key: ConversationKey,
        session: int,
        *,
        history: int = 0,
        known: Mark | None = None,
        steerable: bool = False,
        policy: ResetPolicy = NO_RESET,
    ) -> Opened | WaitForMore | None:
        """See the port."""
        wanted = transcript.Wanted(history, known)
        return await self._do(next_turn.next_turn, key, session, wanted, steerable, policy)

    async def has_work(self, key: ConversationKey, session: int) -> bool:
        """See the port."""
        return await self._ask(next_turn.has_work, key, session)

    async def history(self, session: int, limit: int, before_turn: int | None = None) -> Sequence[Entry]:
        """See the port."""
        return await self._ask(transcript.read_history, session, limit, before_turn)

    async def begin_step(self, turn: int, step: StepRow, ask: Reply | None = None) -> StepRow:
        """See the port."""
        return await self._do(turns.begin_step, turn, step, ask)

    async def end_step(
        self,
        turn: int,
        step: StepRow,
        *,
        entries: Sequence[Entry] = (),
        reply: Reply | None = None,
        steer: bool = False,
        consumes: Sequence[int] = (),
    ) -> Sequence[Claimed]:
        """See the port."""
        return await self._do(turns.end_step, turn, step, entries, reply, steer, consumes)

    async def asked(self, turn: int, step: StepRow) -> StepRow:
        """See the port."""
        return await self._ask(turns.read_step, turn, step.name, step.n)

    async def show(self, turn: int, reply: Reply) -> None:
        """See the port."""
        await self._ask(rows.show, turn, reply)

    async def close_turn(self, turn: int, closing: Closing) -> None:
        """See the port."""
        await self._do(turns.close_turn, turn, closing)

    async def probe(self) -> None:
        """See the port."""
        await self._do(boot.probe)

    async def begin_delivery(
        self,
        lane: Lane,
        *,
        takes_key: bool,
        live: bool,
        can_delete: bool,
        can_edit: bool,
        repeats: bool = True,
    ) -> Begun | InDoubt | GaveUp | None:
        """See the port."""
        can = delivery.Can(takes_key, live, can_delete, can_edit, repeats or takes_key)
        return await self._do(delivery.begin_delivery, lane, can)

    async def record_delivery(self, row: int, message_id: str | None) -> bool:
        """See the port."""
        return await self._do(delivery.record_delivery, row, message_id)

    async def fail_delivery(
        self,
        row: int,
        how: Failure,
        why: str,
    ) -> bool:
        """See the port."""
        return await self._do(delivery.fail_delivery, row, how, why)

    async def keep_cooldowns(self, put: Sequence[KeyCooldown], gone: Sequence[tuple[str, str]]) -> None:
        """See the port."""
        await self._do(deferral.keep_cooldowns, put, gone)

    async def drop(self, messages: Sequence[int], why: str) -> None:
        """See the port."""
        await self._do(boot.drop, messages, why)

    async def retry_deferred(self) -> float | None:
        """See the port."""
        return await self._do(deferral.retry_deferred)

    async def penalty(self, account: str, chat: str, until: float) -> None:
        """See the port."""
        await self._do(delivery.penalty, account, chat, until)

    async def chat_moved(self, account: str, chat: str, becomes: str) -> None:
        """See the port."""
        await self._do(moving.chat_moved, account, chat, becomes)

    async def ledger(self, chat: str | None = None, limit: int = 1000) -> Sequence[LedgerRow]:
        """See the port."""
        return await self._ask(views.ledger, chat, limit)

    async def sessions(
        self, key: ConversationKey | None = None, limit: int = 200, ended: bool = False
    ) -> Sequence[SessionView]:
        """See the port."""
        return await self._ask(views.sessions, key, limit, ended)

    async def session(self, id: int) -> SessionView | None:
        """See the port."""
        return await self._ask(views.session, id)

    async def recording_head(self, session: int) -> RecordingHead | None:
        """See the port."""
        return await self._ask(recording.head, session)

    async def recording_rows(
        self, head: RecordingHead, part: RecordingPart, after: tuple[int, int] = (0, 0)
    ) -> RecordingRows:
        """See the port."""
        return await self._ask(recording.rows, head, part, after)

    async def status(self) -> StatusView:
        """See the port."""
        return await self._ask(views.status)


@asynccontextmanager
async def open_sqlite_store(
    path: Path | str, clock: WallClock, *, run_blocking: RunBlocking | None = None
) -> AsyncIterator[SqliteStore]:
    """A store over a file that is opened here, served, and closed again.

    Args:
        path: of the file, made if it is not there; ":memory:" keeps nothing.
        clock: wall time of what is written.
        run_blocking: runs the database's calls; by default in a thread of its own.

    Leaving the body waits for what was begun, at most three seconds where the disk hangs. Cancelled while the
    file is opened: it is left at once, and closed as soon as it is open. Later: what a caller was not told
    may be durable.

    Raises:
        StoreRefused: the file is corrupt, newer, or not ours; it was left untouched.
        StoreFailed, StoreLocked: the disk is full or fails; another program holds the file. It may pass.
    """
    file = await opened(path, run_blocking)
    store = SqliteStore(file.db, clock, run_blocking, close=file.close, removed=file.removed)
    async with store.serve():
        yield store


def served(store: Store | Path | str, clock: WallClock) -> AbstractAsyncContextManager[Store]:
    """A store that is served while the body runs: the one that is given, or one on a file of this path."""
    return open_sqlite_store(store, clock) if isinstance(store, str | Path) else store.serve()
