"""The store of a replay: what was written at a time is not written before it, and has the number it had.

So what a crash cut off in the recording is cut off here, whatever the order in which tasks run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from hermes_trio.ports.system import Chance, WallClock
from hermes_trio.store.promises import deferral
from hermes_trio.store.tx import ANY_PENDING, RANKS, Tx, text_of, to_json
from hermes_trio.testing.crashing_store import CrashingStore, Moment
from hermes_trio.testing.replay_script import AFTER_S, Script
from hermes_trio.values.consequences import WakeKey
from hermes_trio.values.identity import ConversationKey, Lane
from hermes_trio.values.recording import RecordedMessage, RecordedPart
from hermes_trio.values.stored import (
    Begun,
    Claimed,
    Closing,
    GaveUp,
    InDoubt,
    Interrupted,
    Opened,
    PendingCommand,
    Reply,
    StepRow,
    WaitForMore,
)

# What is said for good: the words of RANKS are constants.
_SAID = f"lane = ? and said in ({', '.join(repr(said) for said in RANKS)})"
_FRESH = f"select 1 from outbound where {_SAID} and state = 'owed' and begun_at is null"
_AGAIN = f"select 1 from outbound where {_SAID} and state in ('owed', 'sending') and begun_at is not null"
_BEGUN = f"select count(*) from outbound where {_SAID} and begun_at is not null"
_WAITS = f"select 1 from inbound where key = ? and {ANY_PENDING}"


class ReplayStore(CrashingStore):
    """See the module."""

    def __init__(
        self,
        script: Script,
        db: sqlite3.Connection,
        clock: WallClock,
        chance: Chance,
        at: Callable[[Moment], None],
    ) -> None:
        super().__init__(db, clock, chance, 0.0, at)
        self._script = script
        self._db = db
        recording = script.recording
        self._ids = {"turn": sorted(script.turns), "session": sorted(one.id for one in recording.sessions)}
        self._do = self._numbered

    async def _numbered(self, promise: Callable[..., Any], *args: Any) -> Any:
        return await self._writer.do(self._with_number, promise, *args)

    def _with_number(self, tx: Tx, promise: Callable[..., Any], *args: Any) -> Any:
        for table, ids in self._ids.items():
            row = tx.one("select seq from sqlite_sequence where name = ?", table)
            newest = row[0] if row else 0
            following = next((id for id in ids if id > newest), None)
            if following is None or self._script.live.is_set():
                continue
            if row is None:
                tx.run("insert into sqlite_sequence(name, seq) values(?, ?)", (table, following - 1))
            else:
                tx.run("update sqlite_sequence set seq = ? where name = ?", (following - 1, table))
        return promise(tx, *args)

    def _one(self, sql: str, *args: Any) -> Any:
        return self._db.execute(sql, args).fetchone()

    # -- what waits for its time

    async def next_turn(
        self, key: ConversationKey, session: int, **how: Any
    ) -> Opened | WaitForMore | Interrupted | None:
        """See the port."""
        running = self._one("select 1 from turn where session = ? and state = 'running'", session)
        waits = self._one(_WAITS, text_of(key))
        if running is None and waits is not None:
            (newest,) = self._one("select coalesce(max(id), 0) from turn")
            await self._script.opens_turn(session, newest)
        return await super().next_turn(key, session, **how)

    async def next_command(self, key: ConversationKey) -> PendingCommand | None:
        """See the port."""
        found = await super().next_command(key)
        recorded = self._script.messages.get(found.message.native) if found is not None else None
        if recorded is not None:
            at = self._script.taken_up_at(recorded)
            # A step that ended in the same commit ended before: a turn that was cut ends none.
            await (self._script.never() if at is None else self._script.not_before(at + AFTER_S))
        return found

    async def begin_step(self, turn: int, step: StepRow, ask: Reply | None = None) -> StepRow:
        """See the port."""
        recorded = self._script.step(turn, step.name, step.n)
        known = self._script.turns.get(turn)
        if recorded is not None:
            await self._script.not_before(recorded.begun_at)
        elif known is not None and self._script.is_cut(known):
            await self._script.never()
        return await super().begin_step(turn, step, ask)

    async def end_step(self, turn: int, step: StepRow, **more: Any) -> Sequence[Claimed]:
        """See the port."""
        recorded = self._script.step(turn, step.name, step.n)
        if recorded is not None and recorded.state == "intent":
            await self._script.never()
        elif recorded is not None:
            await self._script.not_before(recorded.at)
        elif (known := self._script.turns.get(turn)) is not None and not self._script.live.is_set():
            if not self._script.is_cut(known):
                self._script.diverge(f"turn {turn}: step {step.name!r} call {step.n} is not recorded")
            await self._script.never()
        return await super().end_step(turn, step, **more)

    async def close_turn(self, turn: int, closing: Closing, *, begins: bool = False) -> None:
        """See the port. When the call of what it says began stands in the recording: it waits for that."""
        await super().close_turn(turn, closing)

    async def begin_delivery(self, lane: Lane, **how: bool) -> Begun | InDoubt | GaveUp | None:
        """See the port."""
        name = text_of(lane)
        if self._one(_FRESH, name) is not None and self._one(_AGAIN, name) is None:
            await self._next_begin(name)
        return await super().begin_delivery(lane, **how)

    async def _next_begin(self, lane: str) -> None:
        (begun,) = self._one(_BEGUN, lane)
        parts: list[RecordedPart] = [
            part for part in self._script.recording.said if text_of(part.address.lane) == lane
        ]
        times = sorted(part.begun_at for part in parts if part.begun_at is not None)
        if begun < len(times):
            await self._script.not_before(times[begun])
        elif begun < len(parts) and any(part.state == "owed" for part in parts):
            await self._script.never()

    # -- what no other part of a replay does

    async def tell(self, recorded: RecordedMessage) -> None:
        """Write what the gateway wrote itself when a program ended or said something."""
        await self._do(_tell, self._script.recording.key, recorded)

    async def revive(self, key: ConversationKey) -> None:
        """What was kept for a key to a model waits again."""
        await self._do(deferral.revive, text_of(key))


def _tell(tx: Tx, key: ConversationKey, recorded: RecordedMessage) -> None:
    message = recorded.message
    tx.run(
        "insert into inbound(account, native, key, chat, kind, body, at, length, state, told)"
        " values(?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 1) on conflict do nothing",
        (
            message.address.account_id,
            message.native,
            text_of(key),
            message.address.chat,
            recorded.kind,
            to_json(message),
            tx.now,
            len(message.text),
        ),
    )
    tx.then(WakeKey(key, tx.session_of(text_of(key))))
