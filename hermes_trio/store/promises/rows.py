"""What several promises do to live rows, signs of waiting, and the messages of a turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from hermes_trio.ports.store import AcceptRules, Claimed, Reply
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.tx import (
    ANY_PENDING,
    BARRIER,
    CLAIMABLE,
    LANE_IS,
    WAKING,
    Tx,
    read_lane,
    read_message,
    read_part,
    text_of,
    to_json,
)
from hermes_trio.text.notices import cut_line, sentence
from hermes_trio.values.consequences import CancelTurn, WakeLane
from hermes_trio.values.delivery import DeliveryKind, Part
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.message import Message, OutcomeName, TurnState
from hermes_trio.values.notices import Queued

OUTCOME_OF: dict[TurnState, OutcomeName] = {
    "finished": "answered",
    "stopped": "stopped",
    "reset": "superseded",
    "failed": "failed",
    "abandoned": "failed",
}


CUT_SHORT = cut_line("cut_short")
_WITHDRAW = update("withdrawn", "id = :row")
_RETIRE = update("retired", "id = :row", "op = :op")
_TAKE_OVER = update("taken over", "id = :row", "said = :said, part = :part, rank = 1, plain = 0")
_CHANGE = update("changed", "turn = :turn and said = :said", "part = :part")
_HOLD_BACK = update("held back", "coalesce(reply, id) = :reply")


def end_turn(
    tx: Tx, turn: int, key: str, state: TurnState, reason: str, outcome: OutcomeName | None = None
) -> Left:
    """End the turn's row, its messages, its open questions and its foreground processes."""
    tx.run("update turn set state = ?, closed_at = ?, reason = ? where id = ?", (state, tx.now, reason, turn))
    tx.settle_inbound("key = ? and turn = ?", (key, turn), outcome or OUTCOME_OF[state], reason)
    asked, runs, told, *left = tx.one(_LEFT_OPEN, turn, turn, key, turn, key)
    if asked:
        tx.run("update step set asked = null where turn = ? and asked is not null", (turn,))
    if runs:
        tx.run(f"update process set state = 'killed', ended_at = ? where {_FOREGROUND}", (tx.now, turn))
    if told:
        _note_matches(tx, turn, key)
    return Left(*map(bool, left))


class Left(NamedTuple):
    """What is left after a turn's end: whether it still shows something live, and whether messages wait."""

    shown: bool
    waiting: bool


_FOREGROUND = "turn = ? and foreground = 1 and state = 'running'"
_LEFT_OPEN = (
    "select exists(select 1 from step where turn = ? and asked is not null),"
    f" exists(select 1 from process where {_FOREGROUND}),"
    f" exists(select 1 from inbound where key = ? and kind = 'match' and {WAKING}),"
    " exists(select 1 from outbound where turn = ? and state = 'live'),"
    f" exists(select 1 from inbound where key = ? and {CLAIMABLE})"
)
"""Whether the turn left questions, processes or lines of processes open, which few turns do; then `Left`."""


def _note_matches(tx: Tx, turn: int, key: str) -> None:
    """Lines of a process that came after the turn's last step go into the transcript; they open no turn."""
    for id, body in tx.all(
        f"select id, body from inbound where key = ? and kind = 'match' and {WAKING}", key
    ):
        (session,) = tx.one("select session from turn where id = ?", turn)
        tx.add_user_entry(session, turn, id, read_message(body))
        tx.settle_inbound("id = ?", (id,), "answered", "noted")


def in_history(tx: Tx, session: int, key: str) -> list[tuple[int, bytes, float, str]]:
    """Messages that an earlier turn was told and gave back; the turn that opens now takes them.

    They stand in its conversation already. A turn of their own would find them answered.
    """
    told = "exists(select 1 from entry where entry.inbound = inbound.id and entry.session = ?)"
    return tx.all(
        f"select id, body, at, kind from inbound where key = ? and id < {BARRIER}"
        f" and {ANY_PENDING} and {told}",
        key,
        key,
        session,
    )


def cut_turn(
    tx: Tx, turn: int, key: ConversationKey, how: Literal["stopped", "reset", "interrupted"], why: str
) -> None:
    """End a turn from outside. The commit of its end cancels its scope."""
    state: TurnState = "reset" if how == "reset" else "stopped"
    line = cut_line(how)
    if end_turn(tx, turn, text_of(key), state, why).shown:
        retire_live(tx, turn, line)
    tx.then(CancelTurn(key, turn, why))


def release(tx: Tx, turn: int) -> bool:
    """A paused turn goes on, because somebody speaks to it. False if the turn was not paused."""
    return bool(
        tx.run("update turn set paused_at = null where id = ? and paused_at is not null", (turn,)).rowcount
    )


def give_back(tx: Tx, turn: int, key: ConversationKey, why: str) -> None:
    """An interrupt: the turn is stopped, its messages wait again in their places.

    An answer to its question stays with the turn: the question may never be asked again.
    """
    tx.run(
        "update inbound set state = 'waiting', turn = null, step = null"
        " where outcome is null and key = ? and turn = ? and kind <> 'answer'",
        (text_of(key), turn),
    )
    cut_turn(tx, turn, key, "interrupted", why)


def retire_live(tx: Tx, turn: int, line: str = CUT_SHORT) -> bool:
    """Close what a turn shows live. True if its preview is there or under way: it ends with `line` now."""
    took = False
    rows = tx.all(
        "select id, lane, said, part, attempts, begun or message_id is not null from outbound"
        " where turn = ? and state = 'live'",
        turn,
    )
    for row, lane, said, part, attempts, there in rows:
        if attempts == 0 or (said != "sign" and not there):
            tx.run(_WITHDRAW, {"row": row})
        elif said == "preview":
            shown: Part = read_part(part)
            closed = Part(f"{shown.text}\n\n{line}", shown.spans)
            take_over(tx, row, "notice", closed)
            took = True
        elif said == "progress":
            tx.run(_RETIRE, {"row": row, "op": "retire", "now": tx.now})
        tx.then(WakeLane(read_lane(lane)))
    return took


def take_over(tx: Tx, row: int, said: DeliveryKind, part: Part) -> None:
    """A live row becomes a row that is owed: the chat must show this part in its place."""
    tx.run(_TAKE_OVER, {"row": row, "said": said, "part": to_json(part), "now": tx.now})


def show_waiting(tx: Tx, turn: int, inbound: int, message: Message, rules: AcceptRules, ahead: int) -> None:
    """Show a sign that a message waits; at most one per running turn."""
    reacts = rules.sign == "react" and bool(message.message_id)
    if rules.sign == "none" or tx.one(
        "select 1 from outbound where turn = ? and said = 'sign' and state <> 'dropped'", turn
    ):
        return
    lane = message.address.lane
    tx.run(
        "insert into outbound"
        "(lane, address, turn, stands_on, said, op, part, rank, state, dirty, message_id, at)"
        " values(?, ?, ?, ?, 'sign', ?, ?, 0, 'live', 1, ?, ?)",
        (
            text_of(lane),
            text_of(message.address),
            turn,
            inbound,
            "react" if reacts else "send",
            to_json(Part(sentence(Queued(ahead + 1)))),
            message.message_id if reacts else None,
            tx.now,
        ),
    )
    tx.then(WakeLane(lane))


_SIGNS = f"{LANE_IS} and state = 'live' and said = 'sign'"


def hide_waiting(tx: Tx, lane: str, inbound: Sequence[int]) -> None:
    """Take away the signs that stand on these messages: they were taken or settled."""
    rows = tx.all(f"select id, op, attempts, stands_on from outbound where {_SIGNS}", lane)
    for row, op, attempts, stands_on in rows:
        if stands_on not in inbound:
            continue
        if attempts == 0:
            tx.run(_WITHDRAW, {"row": row})
        else:
            away = "unreact" if op == "react" else "retire"
            tx.run(_RETIRE, {"row": row, "op": away, "now": tx.now})
            tx.then(WakeLane(read_lane(lane)))


def claim(
    tx: Tx, session: int, turn: int, rows: Sequence[tuple[int, bytes, float]], step: str | None = None
) -> tuple[Claimed, ...]:
    """Give waiting messages to a turn, with their user entries."""
    claimed = []
    for id, body, at in rows:
        message = read_message(body)
        tx.run("update inbound set state = 'running', turn = ?, step = ? where id = ?", (turn, step, id))
        in_history = not tx.add_user_entry(session, turn, id, message)
        claimed.append(Claimed(id, message, at, step, in_history))
    if claimed:
        lane = text_of(claimed[-1].message.address.lane)
        woke, waited = tx.one(_BEFORE, session, lane)
        if woke and not all(one.message.note for one in claimed):
            tx.run("update session set wakes = 0 where id = ?", (session,))
        if waited:
            hide_waiting(tx, lane, [one.id for one in claimed])
    return tuple(claimed)


_BEFORE = (
    "select exists(select 1 from session where id = ? and wakes > 0),"
    f" exists(select 1 from outbound where {_SIGNS})"
)
"""Whether the gateway has opened turns of the session by itself, and whether the lane shows signs."""


def hold_for_next_boot(tx: Tx, address: Address, text: str, anchor: str | None) -> None:
    """Hold back what the next boot says first: one such notice for each chat and thread."""
    held = "select 1 from outbound where state = 'held' and lane = ?"
    if tx.one(held, text_of(address.lane)) is None:
        row = tx.tell(address, text, anchor=anchor)
        tx.run(_HOLD_BACK, {"reply": row})


def barrier(tx: Tx, key: str) -> int:
    """The number of the key's first unsettled command: nothing behind it is claimed."""
    (first,) = tx.one(f"select {BARRIER}", key)
    return int(first)


def show(tx: Tx, turn: int, reply: Reply) -> None:
    """Give the turn's one live row of this kind its newest text."""
    _, key, _, _ = tx.fence(turn)
    body, said = to_json(reply.parts[0]), reply.said
    changed = tx.run(_CHANGE, {"turn": turn, "said": said, "part": body}).rowcount
    if not changed:
        if tx.one("select 1 from outbound where turn = ? and said = ?", turn, said):
            return
        waiting = tx.one(f"select 1 from inbound where key = ? and {CLAIMABLE} limit 1", key) is not None
        anchor = reply.anchor if tx.is_anchored(reply, waiting) else None
        tx.run(
            "insert into outbound(lane, address, turn, said, part, rank, state, dirty, reply_to, at)"
            " values(?, ?, ?, ?, ?, 2, 'live', 1, ?, ?)",
            (text_of(reply.address.lane), text_of(reply.address), turn, said, body, anchor, tx.now),
        )
    tx.then(WakeLane(reply.address.lane))


def say_in_preview(tx: Tx, turn: int, reply: Reply, *, waiting: bool = False) -> int | None:
    """Owe a reply. If the turn has a preview, or may have one, the first part takes its place.

    Returns the reply's id.
    """
    row = tx.one(
        "select id, begun or unknown or message_id is not null from outbound"
        " where turn = ? and said = 'preview' and state = 'live'",
        turn,
    )
    if row is None:
        return tx.owe(reply, turn, waiting=waiting)
    preview, may_be_there = row
    if not may_be_there:
        tx.run("delete from outbound where id = ?", (preview,))
        return tx.owe(reply, turn, waiting=waiting)
    alone = len(reply.parts) == 1
    take_over(tx, preview, reply.said, reply.parts[0])
    tx.run(
        "update outbound set last = ?, choices = ?, reply_to = ? where id = ?",
        (
            alone,
            to_json(reply.choices) if alone and reply.choices else None,
            reply.anchor if tx.is_anchored(reply, waiting) else None,
            preview,
        ),
    )
    if not alone:
        tx.owe(msgspec.structs.replace(reply, parts=reply.parts[1:]), turn, waiting=waiting, behind=preview)
    tx.then(WakeLane(reply.address.lane))
    return int(preview)
