"""Promises of a turn: its steps, what it says and shows, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hermes_trio.store.promises import claims, live_rows, processes, turn_end
from hermes_trio.store.promises.deferral import defer
from hermes_trio.store.promises.delivery import begin_with
from hermes_trio.store.promises.holders import may_speak
from hermes_trio.store.promises.key_tasks import give_back_key
from hermes_trio.store.promises.questions import Question
from hermes_trio.store.tx import (
    ANY_PENDING,
    BARRIER,
    NEWEST_STEP,
    NO_SESSION,
    Tx,
    is_of_kind,
    read_key,
    text_of,
    to_json,
)
from hermes_trio.transcript.compaction import what_of
from hermes_trio.values.consequences import LeftOut
from hermes_trio.values.message import KINDS
from hermes_trio.values.stored import Begun, Claimed, Closing, Reply, StepRow
from hermes_trio.values.transcript import Entry, SummaryEntry

STEP = "select name, n, digest, op, state, value, wake_at from step"


_STEERED = is_of_kind([name for name, kind in KINDS.items() if kind.taken_in != "never"])
_TAKEN_IN = is_of_kind([name for name, kind in KINDS.items() if kind.taken_in == "always"])


def step_of(row: tuple[Any, ...]) -> StepRow:
    return StepRow(**dict(zip(StepRow.__struct_fields__, row, strict=True)))


def begin_step(tx: Tx, turn: int, step: StepRow, ask: Reply | None = None) -> StepRow:
    """Record the intent, before anything happens. A question and its prompt are one commit."""
    _, key, _, _ = tx.fence(turn)
    row = tx.one(f"{STEP} where turn = ? and name = ? and n = ?", turn, step.name, step.n)
    if row is not None:
        return step_of(row)
    value, asked = step.value, None
    if ask is not None:
        prompt = live_rows.say_in_preview(tx, turn, ask)
        assert prompt is not None
        question = Question(text=ask.parts[0].text, user=ask.address.user, prompt=prompt, choices=ask.choices)
        value, asked = to_json(question), key
    _put_step(tx, turn, step, value, asked)
    return step


def _put_step(tx: Tx, turn: int, step: StepRow, value: bytes, asked: str | None = None) -> None:
    # A question that has its answer already keeps it: its timer was too late.
    tx.run(
        "insert into step(turn, name, n, state, digest, op, value, wake_at, at, begun_at, asked, nth)"
        f" values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {NEWEST_STEP})"
        " on conflict(turn, name, n) do update"
        " set state = excluded.state, value = excluded.value, asked = excluded.asked,"
        " at = excluded.at, nth = excluded.nth where step.state = 'intent'",
        (
            turn,
            step.name,
            step.n,
            step.state,
            step.digest,
            step.op,
            value,
            step.wake_at,
            tx.now,
            tx.now,
            asked,
            turn,
        ),
    )


def end_step(
    tx: Tx,
    turn: int,
    step: StepRow,
    *,
    entries: Sequence[Entry] = (),
    reply: Reply | None = None,
    steer: bool = False,
    consumes: Sequence[int] = (),
) -> Sequence[Claimed]:
    """Record a step's result, with its entries and what it says. Messages may be taken in with it."""
    session, key, _, _ = tx.fence(turn)
    _put_step(tx, turn, step, step.value)
    _add_entries(tx, session, key, turn, entries)
    if reply is not None:
        live_rows.say_in_preview(tx, turn, reply)
    if consumes:
        processes.consume(tx, key, consumes)
    wanted = _STEERED if steer else _TAKEN_IN
    waiting = tx.all(
        f"select id, body, at from inbound where key = ? and id < {BARRIER}"
        f" and {ANY_PENDING} and {wanted} order by id",
        key,
        key,
    )
    return claims.claim(tx, session, turn, waiting, f"{step.name}#{step.n}")


def _add_entries(tx: Tx, session: int, key: str, turn: int, entries: Sequence[Entry]) -> None:
    for entry in entries:
        tx.add_entry(session, turn, entry)
        if isinstance(entry, SummaryEntry):
            tx.then(LeftOut(read_key(key), turn, what_of(entry)))


def asked(tx: Tx, turn: int, step: StepRow) -> StepRow:
    """A step's row as it stands."""
    tx.fence(turn)
    return step_of(tx.one(f"{STEP} where turn = ? and name = ? and n = ?", turn, step.name, step.n))


def close_turn(tx: Tx, turn: int, closing: Closing, *, begins: bool = False) -> Begun | None:
    """Write the whole end of a turn in one transaction: its messages are answered when the answer is owed."""
    session, key, _, _ = tx.fence(turn)
    if closing.step is not None:
        _put_step(tx, turn, closing.step, closing.step.value)
    _add_entries(tx, session, key, turn, closing.entries)
    quiet = closing.until is not None and not defer(tx, turn, key, closing)
    if closing.error is not None:
        tx.run("update turn set error = ? where id = ?", (to_json(closing.error), turn))
    if closing.outcome == "refused":
        _unsay(tx, session, key, turn)
    lane = None
    if closing.reply is not None and begins and may_speak(tx, closing.reply.address.lane):
        lane = text_of(closing.reply.address.lane)
    left = turn_end.end_turn(tx, turn, key, closing.state, closing.reason, closing.outcome, lane)
    if tx.shared and not left.waiting:
        give_back_key(tx, key)
    begun = None
    if quiet:
        pass  # they were told before
    elif closing.reply is None:
        _last_say_is_final(tx, turn, session)
    elif lane is not None and not (left.busy or left.shown):
        waits = left.waiting and closing.state == "finished"
        begun = begin_with(tx, closing.reply, turn, waiting=waits)
    elif closing.state == "finished":
        if not left.shown:
            tx.owe(closing.reply, turn, waiting=left.waiting)
        else:
            live_rows.say_in_preview(tx, turn, closing.reply, waiting=left.waiting)
    elif not (left.shown and live_rows.retire_live(tx, turn, closing.reply.parts[0].text)):
        tx.owe(closing.reply, turn)
    if left.shown:
        live_rows.retire_live(tx, turn)
    return begun


def _unsay(tx: Tx, session: int, key: str, turn: int) -> None:
    """Take refused messages out of the transcript. Their users send them again, and both would be obeyed.

    If something was done for them already, they stay, beside what was done.
    """
    where = "inbound in (select id from inbound where key = ? and turn = ? and outcome is null)"
    (first,) = tx.one(f"select min(id) from entry where {where}", key, turn)
    done = "select 1 from entry where session = ? and id > ? and inbound is null limit 1"
    if first is not None and tx.one(done, session, first) is None:
        tx.run(f"update entry set session = {NO_SESSION} where {where}", (key, turn))


def _last_say_is_final(tx: Tx, turn: int, session: int) -> None:
    row = tx.one(
        "select coalesce(reply, id) from outbound where turn = ? and said = 'say' order by id desc limit 1",
        turn,
    )
    if row is None:
        return
    tx.run(
        "update outbound set said = 'final' where turn = ? and said = 'say' and (id = ? or reply = ?)",
        (turn, row[0], row[0]),
    )
    said = tx.one(
        "select 1 from outbound where turn = ? and said = 'final' and last = 1 and state = 'sent'", turn
    )
    if said:
        tx.run("update session set interrupted = 0 where id = ?", (session,))
