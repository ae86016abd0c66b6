"""One turn as an operator looks at it who wants to know what went wrong."""

from __future__ import annotations

from typing import Any

import msgspec

from hermes_trio.store.promises import views
from hermes_trio.store.promises.operator_rows import view_of
from hermes_trio.store.tx import Tx, read_entry, read_part, readable
from hermes_trio.values.recording import Failure
from hermes_trio.values.transcript import AssistantEntry, Entry, UserEntry
from hermes_trio.values.views import StepView, TextView, TurnPage

ROWS_MAX = 200
TEXT_MAX = 2_000
VALUE_MAX = 500

_read_failure = msgspec.json.Decoder(Failure).decode


def turn_page(tx: Tx, turn: int) -> TurnPage | None:
    """Everything that is known of a turn; None if there is none of this number."""
    row = tx.one("select session, closed_at, attempt, reason, error from turn where id = ?", turn)
    view = views.turn(tx, turn)
    if row is None or view is None:
        return None
    session, closed_at, attempt, reason, error = row
    failure: Failure | None = readable(_read_failure, error)
    entries = tx.all(
        "select body, at, id from entry where session = ? and turn = ? order by id limit ?",
        session,
        turn,
        ROWS_MAX,
    )
    (earlier,) = tx.one(
        "select count(*) from entry where session = ? and id < ?", session, entries[0][2] if entries else 0
    )
    return view_of(
        TurnPage,
        turn=view,
        closed_at=closed_at,
        attempt=attempt,
        reason=reason,
        error="" if failure is None else f"{failure.type}: {failure.text}",
        traceback="" if failure is None else failure.traceback,
        earlier=earlier,
        entries=tuple(_entry(readable(read_entry, body), at) for body, at, _ in entries),
        steps=tuple(map(_step, _steps(tx, turn))),
        said=tuple(map(_said, _parts(tx, turn))),
    )


def _steps(tx: Tx, turn: int) -> list[Any]:
    return tx.all(
        "select name, n, state, value, begun_at, at from step where turn = ? order by nth limit ?",
        turn,
        ROWS_MAX,
    )


def _step(row: tuple[Any, ...]) -> StepView:
    name, n, state, value, began_at, at = row
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    value = value[:VALUE_MAX] if isinstance(value, str) and state != "intent" else ""
    ended_at = None if state == "intent" else at
    return view_of(
        StepView, name=name, n=n, state=state, value=value, began_at=began_at or at, ended_at=ended_at
    )


def _entry(entry: Entry | None, at: Any) -> TextView:
    if entry is None:
        return view_of(TextView, kind="unreadable", text="", at=at)
    text = entry.text
    if isinstance(entry, UserEntry):
        text = entry.before + text
    if isinstance(entry, AssistantEntry):
        calls = [f"{call.name}({call.arguments[:VALUE_MAX]})" for call in entry.calls]
        text = "\n".join(filter(None, [text, *calls]))
    kind = str(type(entry).__struct_config__.tag)
    return view_of(TextView, kind=kind, text=text[:TEXT_MAX], at=at)


def _parts(tx: Tx, turn: int) -> list[Any]:
    return tx.all(
        "select said, part, at, state, why from outbound where turn = ? order by id limit ?", turn, ROWS_MAX
    )


def _said(row: tuple[Any, ...]) -> TextView:
    said, part, at, state, why = row
    read = readable(read_part, part)
    text = "" if read is None else read.text[:TEXT_MAX]
    return view_of(TextView, kind=said, text=text, at=at, state=f"{state}: {why}" if why else state)
