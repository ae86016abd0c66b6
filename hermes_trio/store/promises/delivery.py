"""Promises of the outbox: that a send begins is durable before the call, its receipt after it.

`begun` stands on a row while a call for it may be under way. A row that a call is *not* under way for and
that has it still was cut off in its call: nobody knows, and `unknown` counts it.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, structs

from hermes_trio.ports.store import Begun, GaveUp, InDoubt, Reply
from hermes_trio.store.promises.intake import read_question
from hermes_trio.store.tx import (
    LANE_IS,
    NEWEST_STEP,
    Tx,
    read_address,
    read_choices,
    read_key,
    read_part,
    reads,
    text_of,
    to_json,
)
from hermes_trio.text import sentences
from hermes_trio.values.consequences import WakeAsk
from hermes_trio.values.delivery import Delivery, Part
from hermes_trio.values.identity import Lane

UNKNOWN_MAX = 2
EDITS_UNKNOWN_MAX = 5
ANSWERS = ("final", "say", "prompt", "reply")


class Can(Struct, frozen=True):
    """What the lane's platform can do, as far as the choice of the call depends on it.

    `repeat`: what may have arrived may be said again now.
    """

    takes_key: bool
    live: bool
    delete: bool
    edit: bool
    repeat: bool


class _Row(Struct, array_like=True, frozen=True):
    id: int
    address: str
    turn: int | None
    said: str
    op: str
    part: bytes
    state: str
    dirty: int
    attempts: int
    unknown: int
    plain: int
    message_id: str | None
    reply_to: str | None
    choices: bytes | None
    last: int
    at: float
    owed_at: float | None
    begun: int


_ROW = (
    "select id, address, turn, said, op, part, state, dirty, attempts, unknown, plain, message_id, reply_to,"
    " choices, last, at, owed_at, begun from outbound where"
)
_NEXT = (
    f"{_ROW} {LANE_IS}"
    " and (state = 'owed' or (state = 'live' and dirty = 1 and ?) or begun <> 0)"
    " order by begun desc, rank, id limit 1"
)


def doubt(tx: Tx, where: str, *args: str) -> None:
    """Of the calls that `where` names nobody knows how they ended. The caller knows that none runs."""
    # Whatever else than 0 stands there counts: what is only nearly 1 would be found anew for ever.
    tx.run(
        "update outbound set begun = 0, unknown = unknown + 1, dirty = dirty or state = 'live',"
        f" state = case state when 'sending' then 'owed' else state end where {where} and begun <> 0",
        args,
    )


def begin_delivery(tx: Tx, lane: Lane, can: Can) -> Begun | InDoubt | GaveUp | None:
    """The lane's next call, recorded as begun."""
    name = text_of(lane)
    while (found := tx.one(_NEXT, name, can.live)) is not None:
        row = _Row(*found)
        if row.begun:
            # A lane is served by one task, so no call of it is under way now.
            doubt(tx, LANE_IS, name)
            continue
        op = _op(row, can)
        if op is None:
            _skip(tx, row)
        elif op == "send" and row.unknown >= UNKNOWN_MAX and not can.takes_key:
            _tell_of(tx, row)
            return _give_up(tx, row, "unknown", "it may have arrived twice already")
        elif row.op != "send" and row.unknown >= UNKNOWN_MAX:
            return _give_up(tx, row, "dropped", "only for the eye")
        elif row.unknown and row.state == "owed" and not can.repeat:
            return InDoubt(_owed_since(row))
        elif op == "edit" and row.state == "owed" and row.unknown >= EDITS_UNKNOWN_MAX:
            # An answer must not wait for ever on an edit that never tells its end.
            return _begin(tx, structs.replace(row, message_id=None, unknown=1), "send", can)
        else:
            return _begin(tx, row, op, can)
    return None


def _owed_since(row: _Row) -> float:
    return row.at if row.owed_at is None else row.owed_at


def _op(row: _Row, can: Can) -> str | None:
    """The call that brings the chat to what the row says; None if the platform has no such call."""
    if row.op == "send":
        if row.message_id is None:
            # What is only live and may be there already is not sent twice.
            return None if row.state == "live" and row.unknown and not can.takes_key else "send"
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


def _tell_of(tx: Tx, row: _Row) -> None:
    """Who may miss an answer is told so, where it would stand. Of what is not an answer nothing is said."""
    if row.said in ANSWERS:
        text = Part(sentences.MAY_BE_MISSING)
        address, anchor = read_address(row.address), row.reply_to
        tx.owe(Reply(address=address, parts=(text,), said="notice", anchor=anchor), None)


def _give_up(tx: Tx, row: _Row, state: str, why: str) -> GaveUp:
    tx.run("update outbound set state = ?, why = ? where id = ?", (state, why, row.id))
    return GaveUp(row.id, why)


def _begin(tx: Tx, row: _Row, op: str, can: Can) -> Begun:
    live = row.state == "live"
    marked = op == "send" and row.unknown > 0 and not can.takes_key
    # A key that was used with another text may show that one: then an edit follows (see record_delivery).
    edit_follows = op == "send" and not live and can.takes_key and row.dirty
    tx.run(
        "update outbound set begun = 1, attempts = attempts + 1, dirty = ?, state = ?, unknown = ?,"
        " message_id = ?, marked = max(marked, ?), begun_at = coalesce(begun_at, ?) where id = ?",
        (edit_follows, "live" if live else "sending", row.unknown, row.message_id, marked, tx.now, row.id),
    )
    key = f"{row.id}.{int(row.at * 1000)}"
    return Begun(
        row=row.id,
        live=live,
        created_at=_owed_since(row),
        attempts=row.attempts + 1,
        plain=bool(row.plain),
        delivery=Delivery(
            op=op,  # type: ignore[arg-type]
            address=read_address(row.address),
            part=_part(tx, row, marked) if op in ("send", "edit") else None,
            message_id=row.message_id if op != "send" else None,
            reply_to=row.reply_to,
            key=key if op == "send" else f"{key}.{op}{row.attempts + 1 if live else ''}",
            said=row.said,  # type: ignore[arg-type]
            choices=read_choices(row.choices) if row.choices else (),
            last=bool(row.last),
        ),
    )


def _part(tx: Tx, row: _Row, marked: bool) -> Part:
    part = read_part(row.part)
    if row.op == "retire":
        opened = tx.one("select opened_at from turn where id = ?", row.turn)
        part = Part(sentences.progress_over(max(0.0, tx.now - (opened[0] if opened else row.at))))
    return _marked(part) if marked else part


def _marked(part: Part) -> Part:
    """The mark stands on the part's last line, whatever white space ended it."""
    text = part.text.rstrip()
    end = len(text)
    spans = tuple(structs.replace(s, end=min(s.end, end)) for s in part.spans if s.start < end)
    return Part(f"{text} {sentences.MARK}", spans)


_SAID = (
    "select turn, said, last, state, exists(select 1 from outbound other where other.lane = outbound.lane"
    " and (other.state = 'owed' or other.state = 'sending' or other.state = 'live')"
    " and (other.state <> 'live' or other.dirty = 1)) from outbound where id = ?"
)
"""Of a row what it was, and whether its lane has more to say."""


def record_delivery(tx: Tx, row: int, message_id: str | None) -> bool:
    """It was said; returns whether its lane has more to say.

    The last part of a finished turn's final ends its session's run of interruptions.
    """
    # What is shown without an id can never be edited: it is not live any more.
    tx.run(
        "update outbound set begun = 0, message_id = coalesce(:id, message_id), sent_at = :now,"
        " dirty = dirty and state = 'live',"
        # An edit that follows a send which is certain now is not in doubt.
        " unknown = case when state = 'sending' and dirty then 0 else unknown end,"
        " state = case when state = 'sending' then case when dirty then 'owed' else 'sent' end"
        " when state = 'live' and op = 'send' and coalesce(:id, message_id) is null then 'sent'"
        " else state end where id = :row",
        {"id": message_id, "now": tx.now, "row": row},
    )
    turn, *found, more = tx.one(_SAID, row)
    if turn is not None and found == ["final", 1, "sent"]:
        tx.run(
            "update session set interrupted = 0 where interrupted > 0 and id ="
            " (select session from turn where id = ? and state = 'finished')",
            (turn,),
        )
    return bool(more)


def fail_delivery(
    tx: Tx,
    row: int,
    how: Literal["not_sent", "plain", "line", "unknown", "lost", "refused", "failed"],
    why: str,
) -> bool:
    """It was not said, or nobody knows. Returns whether it is given up though it may be there."""
    if how == "refused":
        it = _Row(*tx.one(f"{_ROW} id = ?", row))
        if it.unknown and it.state == "sending":
            # The edit that is refused now may have arrived before: a new message could say it twice.
            _tell_of(tx, it)
            _give_up(tx, it, "unknown", why)
            return True
        how = "lost"
    tx.run(
        f"update outbound set begun = 0, why = :why, {_FAILED[how]} where id = :row",
        {"row": row, "why": why, "now": tx.now},
    )
    if how == "failed":
        end_question(tx, row)
    return False


def end_question(tx: Tx, row: int) -> None:
    """A question of which a part cannot be shown is not waited for."""
    turn = tx.one(
        "select turn, coalesce(reply, id) from outbound"
        " where id = ? and said = 'prompt' and state = 'failed'",
        row,
    )
    if turn is None or turn[0] is None:
        return
    ended = to_json(("AskTimedOut", "the question could not be shown"))
    for name, n, value, key in tx.all(
        "select name, n, value, asked from step where turn = ? and asked is not null", turn[0]
    ):
        if reads(read_question, value) and read_question(value).prompt == turn[1]:
            tx.run(
                f"update step set state = 'failed', asked = null, value = ?, at = ?, nth = {NEWEST_STEP}"
                " where turn = ? and name = ? and n = ?",
                (ended, tx.now, turn[0], turn[0], name, n),
            )
            tx.then(WakeAsk(read_key(key), turn[0]))


_OWED_AGAIN = "dirty = dirty or state = 'live', state = case state when 'sending' then 'owed' else state end"
_FAILED = {
    "not_sent": _OWED_AGAIN,
    # A row that its turn's end has taken over meanwhile is owed: what failed was the preview, not this.
    "plain": f"plain = case state when 'owed' then plain else 1 end, {_OWED_AGAIN}",
    # A chat may take no reactions. What was no reaction when its message's turn came is nothing to take away.
    "line": "at = :now, dirty = 1, message_id = null, op = case state when 'live' then 'send' else op end,"
    " state = case state when 'live' then 'live' else 'dropped' end",
    # An edit can be repeated without harm; a send that nobody knows of is repeated once, marked.
    "unknown": f"unknown = unknown + 1, {_OWED_AGAIN}",
    # Its key belongs to the message that is gone; `at` makes another one.
    "lost": "message_id = null, unknown = 0, at = :now,"
    " state = case when state = 'live' or op <> 'send' then 'dropped' else 'owed' end",
    "failed": "sent_at = :now, state = case state when 'owed' then 'owed' else 'failed' end",
}


def penalty(tx: Tx, account: str, chat: str, until: float) -> None:
    """A long penalty survives a restart."""
    tx.run(
        "insert or replace into penalty(account, chat, until, at) values(?, ?, ?, ?)",
        (account, chat, until, tx.now),
    )


def penalties(tx: Tx) -> tuple[tuple[str, str, float], ...]:
    """Those that are not over. One that was given in the future was given now."""
    tx.run("delete from penalty where until <= ?", (tx.now,))
    return tuple(
        tx.all("select account, chat, min(until, ? + until - coalesce(at, ?)) from penalty", tx.now, tx.now)
    )
