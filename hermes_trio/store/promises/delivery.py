"""Promises of the outbox: that a send begins is durable before the call, its receipt after it.

`begun` is set on a row while a call for it may be under way. If no call is under way and `begun` is still
set, the call was cut off: nobody knows whether it arrived, and `unknown` counts that.
"""

from __future__ import annotations

from msgspec import Struct, structs

from hermes_trio.store.promises.holders import called, hand_lane_on, may_speak
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.promises.questions import end_question
from hermes_trio.store.tx import IS_OPEN, LANE_IS, Tx, read_address, read_choices, read_part, text_of
from hermes_trio.text.notices import sentence, with_mark
from hermes_trio.values.delivery import Delivery, Part
from hermes_trio.values.identity import Lane
from hermes_trio.values.notices import Worked
from hermes_trio.values.outbound_states import FAILURES, DeliveryFailure
from hermes_trio.values.stored import Begun, GaveUp, InDoubt, Reply

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
    " and (state = 'owed' or (state = 'live' and dirty = 1 and ? = 1) or begun <> 0)"
    " order by begun desc, rank, id limit 1"
)


_ROW_IS = "id = :row"
_ENDED_SO = {how: update(how, _ROW_IS, "why = :why") for how in FAILURES}
_SAID = update("said", _ROW_IS)
_BEGIN = (
    "unknown = :unknown, message_id = :message,"
    " marked = case when marked > :marked then marked else :marked end, boot = :boot"
)
_BEGINS, _BEGINS_ANEW = update("begins", _ROW_IS, _BEGIN), update("begins anew", _ROW_IS, _BEGIN)
_NEEDLESS = update("needless", _ROW_IS)
_DROPPED, _UNKNOWN = (update(how, _ROW_IS, "why = :why") for how in ("given up", "given up unknown"))
# Any value but 0 counts as begun: a damaged one that is only nearly 1 would else be found anew for ever.
_CUT_OFF = update("unknown", f"{IS_OPEN} and begun <> 0")
_CUT_OFF_IN_LANE = update("unknown", f"lane = :lane and {IS_OPEN} and begun <> 0")


_CUT_OFF_OF_BOOT = update("unknown", f"boot = :boot and {IS_OPEN} and begun <> 0")


def cut_off(tx: Tx, boot: int | None = None) -> None:
    """No call is under way any more. Of each call that had begun, nobody knows how it ended.

    Args:
        boot: of its calls; by default of all.
    """
    if boot is None:
        tx.run(_CUT_OFF, {"now": tx.now})
    else:
        tx.run(_CUT_OFF_OF_BOOT, {"now": tx.now, "boot": boot})


def begin_delivery(
    tx: Tx,
    lane: Lane,
    *,
    takes_key: bool,
    live: bool,
    can_delete: bool,
    can_edit: bool,
    repeats: bool = True,
) -> Begun | InDoubt | GaveUp | None:
    """The lane's next call, recorded as begun."""
    can = Can(takes_key, live, can_delete, can_edit, repeats or takes_key)
    name = text_of(lane)
    if not may_speak(tx, lane):
        return None
    while (found := tx.one(_NEXT, name, can.live)) is not None:
        row = _Row(*found)
        if row.begun:
            # A lane is served by one task, so no call of it is under way now.
            tx.run(_CUT_OFF_IN_LANE, {"lane": name})
            continue
        op = _op(row, can)
        if op is None:
            tx.run(_NEEDLESS, {"row": row.id})
        elif op == "send" and row.unknown >= UNKNOWN_MAX and not can.takes_key:
            _tell_of(tx, row)
            return _give_up(tx, row, _UNKNOWN, "it may have arrived twice already")
        elif row.op != "send" and row.unknown >= UNKNOWN_MAX:
            return _give_up(tx, row, _DROPPED, "only for the eye")
        elif row.unknown and row.state == "owed" and not can.repeat:
            return InDoubt(_owed_since(row))
        elif op == "edit" and row.state == "owed" and row.unknown >= EDITS_UNKNOWN_MAX:
            # An answer must not wait for ever on an edit that never tells its end.
            return _begin(tx, structs.replace(row, message_id=None, unknown=1), "send", can)
        else:
            return _begin(tx, row, op, can)
    return None


def begin_with(tx: Tx, reply: Reply, turn: int, *, waiting: bool) -> Begun:
    """Owe what a turn says, and begin with it: nobody serves its lane, which has nothing else to say."""
    row = tx.owe(reply, turn, waiting=waiting, begins=True)
    assert row is not None
    alone = len(reply.parts) == 1
    return Begun(
        row=row,
        live=False,
        created_at=tx.now,
        attempts=1,
        delivery=Delivery(
            op="send",
            address=reply.address,
            part=reply.parts[0],
            reply_to=reply.anchor if tx.is_anchored(reply, waiting) else None,
            key=key_of(row, tx.now),
            said=reply.said,
            choices=reply.choices if alone else (),
            last=alone,
        ),
    )


def key_of(row: int, at: float) -> str:
    """The key of a row's sends."""
    return f"{row}.{int(at * 1000)}"


def _owed_since(row: _Row) -> float:
    return row.at if row.owed_at is None else row.owed_at


def _op(row: _Row, can: Can) -> str | None:
    """The call that brings the chat to what the row says; None if the platform has no such call."""
    if row.op == "send":
        if row.message_id is None:
            # A live row is only a courtesy: if it may have arrived already, it is not sent a second time.
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


def _tell_of(tx: Tx, row: _Row) -> None:
    """Say in the place of an answer that it may be missing. For a row that is no answer nothing is said."""
    if row.said in ANSWERS:
        tx.tell(read_address(row.address), sentence("may_be_missing"), anchor=row.reply_to)


def _give_up(tx: Tx, row: _Row, statement: str, why: str) -> GaveUp:
    tx.run(statement, {"row": row.id, "why": why})
    return GaveUp(row.id, why)


def _begin(tx: Tx, row: _Row, op: str, can: Can) -> Begun:
    live = row.state == "live"
    marked = op == "send" and row.unknown > 0 and not can.takes_key
    # A key that was used with another text may show that one: then an edit follows.
    anew = op == "send" and not live and can.takes_key and row.dirty
    tx.run(
        _BEGINS_ANEW if anew else _BEGINS,
        {
            "row": row.id,
            "unknown": row.unknown,
            "message": row.message_id,
            "marked": marked,
            "now": tx.now,
            "boot": tx.boot,
        },
    )
    key = key_of(row.id, row.at)
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
        part = Part(sentence(Worked(max(0.0, tx.now - (opened[0] if opened else row.at)))))
    return with_mark(part) if marked else part


_WAS = (
    "select said, last, state, exists(select 1 from outbound other where other.lane = outbound.lane"
    " and (other.state = 'owed' or other.state = 'sending' or other.state = 'live')"
    " and (other.state <> 'live' or other.dirty = 1)),"
    " (select id from session where interrupted > 0 and id ="
    " (select session from turn where id = outbound.turn and state = 'finished'))"
    " from outbound where id = ?"
)
"""What the row was, whether its lane has more to say, and the row's session if that was interrupted."""


def record_delivery(tx: Tx, row: int, message_id: str | None) -> bool:
    """The row was said. Returns whether its lane has more to say.

    The last part of a finished turn's final ends its session's run of interruptions.
    """
    lane = called(tx, row)
    if lane is None:
        return False
    tx.run(_SAID, {"id": message_id, "now": tx.now, "row": row})
    *found, more, interrupted = tx.one(_WAS, row)
    if interrupted is not None and found == ["final", 1, "sent"]:
        tx.run("update session set interrupted = 0 where id = ?", (interrupted,))
    return not hand_lane_on(tx, lane) and bool(more)


def fail_delivery(tx: Tx, row: int, how: DeliveryFailure, why: str) -> bool:
    """The row was not said, or nobody knows. Returns whether it is given up although it may have arrived."""
    lane = called(tx, row)
    if lane is None:
        return False
    tx.run(_ENDED_SO[how], {"row": row, "why": why, "now": tx.now})
    if how == "failed":
        end_question(tx, row)
    hand_lane_on(tx, lane)
    if how != "refused":
        return False
    it = _Row(*tx.one(f"{_ROW} id = ?", row))
    if it.state == "unknown":
        _tell_of(tx, it)
    return it.state == "unknown"


def penalty(tx: Tx, account: str, chat: str, until: float) -> None:
    """A long penalty survives a restart."""
    tx.run(
        "insert into penalty(account, chat, until, at) values(?, ?, ?, ?)"
        " on conflict(account, chat) do update set until = excluded.until, at = excluded.at",
        (account, chat, until, tx.now),
    )


def penalties(tx: Tx) -> tuple[tuple[str, str, float], ...]:
    """The penalties that are not over. One whose start lies in the future counts from now."""
    tx.run("delete from penalty where until <= ?", (tx.now,))
    return tuple(tx.all(_PENALTIES, tx.now, tx.now))


_PENALTIES = "select account, chat, case when at > ? then ? + until - at else until end from penalty"
