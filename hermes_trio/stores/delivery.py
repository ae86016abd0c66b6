"""Promises of the outbox: that a send begins is durable before the call, its receipt after it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from hermes_trio.pure import texts
from hermes_trio.store_port import Begun, GaveUp
from hermes_trio.stores.tx import LANE_IS, Tx, read_address, read_choices, read_part, text_of
from hermes_trio.values import Delivery, Lane, Part


class Can(Struct, frozen=True):
    """What the lane's platform can do, as far as the choice of the call depends on it."""

    takes_key: bool
    live: bool
    delete: bool
    edit: bool


class _Row(Struct, array_like=True):
    id: int
    address: str
    said: str
    op: str
    part: bytes
    state: str
    attempts: int
    unknown: int
    plain: int
    message_id: str | None
    reply_to: str | None
    choices: bytes | None
    last: int
    at: float


_NEXT = (
    "select id, address, said, op, part, state, attempts, unknown, plain, message_id, reply_to, choices,"
    f" last, at from outbound where {LANE_IS} and (state = 'owed' or (state = 'live' and dirty = 1 and ?))"
    " order by rank, id limit 1"
)

UNKNOWN_MAX = 2


def begin_delivery(tx: Tx, lane: Lane, can: Can) -> Begun | GaveUp | None:
    """The lane's next call, recorded as begun."""
    name = text_of(lane)
    # A lane is served by one task: what is `sending` now was left so by a call that never told its end.
    tx.run(
        "update outbound set state = 'owed', unknown = unknown + (message_id is null)"
        f" where {LANE_IS} and state = 'sending'",
        (name,),
    )
    while (found := tx.one(_NEXT, name, can.live)) is not None:
        row = _Row(*found)
        op = _op(row, can)
        if op is None:
            _skip(tx, row)
            continue
        if op == "send" and row.unknown >= UNKNOWN_MAX and not can.takes_key:
            tx.run("update outbound set state = 'unknown', why = 'given up' where id = ?", (row.id,))
            return GaveUp(row.id, "it may have arrived twice already")
        return _begin(tx, row, op, can)
    return None


def _op(row: _Row, can: Can) -> str | None:
    """The call that brings the chat to what the row says; None if the platform has no such call."""
    if row.op == "send":
        if row.message_id is None:
            return "send"
        if can.edit:
            return "edit"
        return None if row.state == "live" else "send"
    if row.op == "retire":
        if row.message_id is None:
            return None
        if can.delete:
            return "delete"
        return "edit" if can.edit and row.said == "progress" else None
    return row.op


def _skip(tx: Tx, row: _Row) -> None:
    if row.state == "live":
        tx.run("update outbound set dirty = 0 where id = ?", (row.id,))
    else:
        tx.run("update outbound set state = 'dropped' where id = ?", (row.id,))


def _begin(tx: Tx, row: _Row, op: str, can: Can) -> Begun:
    live = row.state == "live"
    marked = op == "send" and row.unknown > 0 and not can.takes_key
    tx.run(
        "update outbound set attempts = attempts + 1, dirty = 0, state = ?,"
        " marked = max(marked, ?) where id = ?",
        ("live" if live else "sending", marked, row.id),
    )
    part = read_part(row.part)
    if row.op == "retire":
        part = Part(texts.progress_over(max(0.0, tx.now - row.at)))
    if row.plain:
        part = Part(part.text)
    if marked:
        part = Part(f"{part.text} {texts.MARK}", part.spans)
    key = f"{row.id}.{int(row.at * 1000)}"
    return Begun(
        row=row.id,
        live=live,
        created_at=row.at,
        attempts=row.attempts + 1,
        delivery=Delivery(
            op=op,  # type: ignore[arg-type]
            address=read_address(row.address),
            part=part if op in ("send", "edit") else None,
            message_id=row.message_id if op != "send" else None,
            reply_to=row.reply_to,
            key=key if op == "send" else f"{key}.{op}{row.attempts + 1 if live else ''}",
            said=row.said,  # type: ignore[arg-type]
            choices=read_choices(row.choices) if row.choices else (),
            last=bool(row.last),
        ),
    )


def record_delivery(tx: Tx, row: int, message_id: str | None) -> bool:
    """It was said; returns whether its lane has more to say.

    The last part of a finished turn's final ends its session's run of interruptions.
    """
    tx.run(
        "update outbound set message_id = coalesce(?, message_id), sent_at = ?,"
        " state = case state when 'sending' then 'sent' else state end where id = ?",
        (message_id, tx.now, row),
    )
    lane, *found = tx.one("select lane, turn, said, last, state from outbound where id = ?", row)
    if found[0] is not None and found[1:] == ["final", 1, "sent"]:
        tx.run(
            "update session set interrupted = 0 where interrupted > 0 and id ="
            " (select session from turn where id = ? and state = 'finished')",
            (found[0],),
        )
    open_rows = f"{LANE_IS} and (state in ('owed', 'sending') or state = 'live' and dirty = 1)"
    return tx.one(f"select 1 from outbound where {open_rows} limit 1", lane) is not None


def fail_delivery(
    tx: Tx, row: int, how: Literal["not_sent", "plain", "unknown", "lost", "failed"], why: str
) -> None:
    """It was not said, or nobody knows."""
    tx.run(_FAILED[how], {"row": row, "why": why, "now": tx.now})


_FAILED = {
    # A live row that is certainly not there counts as never tried; it shows its newest text later.
    "not_sent": "update outbound set why = :why,"
    " attempts = attempts - (state = 'live' or message_id is null and said = 'preview'),"
    " dirty = (state = 'live'), state = case state when 'sending' then 'owed' else state end where id = :row",
    "plain": "update outbound set why = :why, plain = 1, dirty = (state = 'live'),"
    " state = case state when 'sending' then 'owed' else state end where id = :row",
    # An edit can be repeated without harm; a send that nobody knows of is repeated once, marked.
    "unknown": "update outbound set why = :why, unknown = unknown + (message_id is null),"
    " dirty = (state = 'live'), state = case when state = 'live' and message_id is null then 'unknown'"
    " when state = 'sending' then 'owed' else state end where id = :row",
    "lost": "update outbound set why = :why, message_id = null,"
    " state = case when state = 'live' or op <> 'send' then 'dropped' else 'owed' end where id = :row",
    "failed": "update outbound set why = :why, sent_at = :now, state = 'failed' where id = :row",
}


def penalty(tx: Tx, account: str, chat: str, until: float) -> None:
    """A long penalty survives a restart."""
    tx.run("insert or replace into penalty(account, chat, until) values(?, ?, ?)", (account, chat, until))
