"""What a chat is shown that still changes: previews, progress, and signs of waiting."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hermes_trio.store.promises.outbound import update
from hermes_trio.store.tx import CLAIMABLE, LANE_IS, Tx, read_lane, read_part, text_of, to_json
from hermes_trio.text.notices import cut_line, sentence
from hermes_trio.values.consequences import WakeLane
from hermes_trio.values.delivery import DeliveryKind, Part
from hermes_trio.values.message import Message
from hermes_trio.values.notices import Queued
from hermes_trio.values.stored import AcceptRules, Reply

CUT_SHORT = cut_line("cut_short")
_WITHDRAW = update("withdrawn", "id = :row")
_RETIRE = update("retired", "id = :row", "op = :op")
_TAKE_OVER = update("taken over", "id = :row", "said = :said, part = :part, rank = 1, plain = 0")
_CHANGE = update("changed", "turn = :turn and said = :said", "part = :part")


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
        "select id, begun <> 0 or unknown <> 0 or message_id is not null from outbound"
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


def retire_live(tx: Tx, turn: int, line: str = CUT_SHORT) -> bool:
    """Close what a turn shows live. True if its preview is there or under way: it ends with `line` now."""
    took = False
    rows = tx.all(
        "select id, lane, said, part, attempts, begun <> 0 or message_id is not null from outbound"
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
    if tx.one("select 1 from outbound where turn = ? and said = 'sign' and state <> 'dropped'", turn):
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


SIGNS = f"{LANE_IS} and state = 'live' and said = 'sign'"


def hide_waiting(tx: Tx, lane: str, inbound: Sequence[int]) -> None:
    """Take away the signs that stand on these messages: they were taken or settled."""
    rows = tx.all(f"select id, op, attempts, stands_on from outbound where {SIGNS}", lane)
    for row, op, attempts, stands_on in rows:
        if stands_on not in inbound:
            continue
        if attempts == 0:
            tx.run(_WITHDRAW, {"row": row})
        else:
            away = "unreact" if op == "react" else "retire"
            tx.run(_RETIRE, {"row": row, "op": away, "now": tx.now})
            tx.then(WakeLane(read_lane(lane)))
