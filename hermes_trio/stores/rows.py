"""What several promises do to live rows, signs of waiting, and the messages of a turn."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.pure import texts
from hermes_trio.store_port import AcceptRules, CancelTurn, Claimed, Reply, WakeLane
from hermes_trio.stores.tx import LANE_IS, Tx, read_lane, read_message, read_part, text_of, to_json
from hermes_trio.values import Key, Message, OutcomeName, Part, TurnState

OUTCOME_OF: dict[TurnState, OutcomeName] = {
    "finished": "answered",
    "stopped": "stopped",
    "reset": "superseded",
    "failed": "failed",
    "abandoned": "failed",
}


def end_turn(
    tx: Tx, turn: int, key: str, state: TurnState, reason: str, outcome: OutcomeName | None = None
) -> None:
    """The turn's row, its messages and its open questions reach their end."""
    tx.run("update turn set state = ?, closed_at = ?, reason = ? where id = ?", (state, tx.now, reason, turn))
    tx.settle_inbound("key = ? and turn = ?", (key, turn), outcome or OUTCOME_OF[state], reason)
    tx.run("update step set asked = null where turn = ? and asked is not null", (turn,))


def cut_turn(tx: Tx, turn: int, key: Key, state: TurnState, why: str, line: str) -> None:
    """End a turn from outside: commit first, the cancel follows from it."""
    end_turn(tx, turn, text_of(key), state, why)
    retire_live(tx, turn, line)
    tx.then(CancelTurn(key, turn, why))


def give_back(tx: Tx, turn: int, key: Key, why: str) -> None:
    """An interrupt: the turn is stopped, its messages wait again in their places."""
    tx.run(
        "update inbound set state = 'waiting', turn = null where outcome is null and key = ? and turn = ?",
        (text_of(key), turn),
    )
    cut_turn(tx, turn, key, "stopped", why, texts.INTERRUPTED_LINE)


def retire_live(tx: Tx, turn: int, line: str) -> bool:
    """Close what a turn shows live; True if a visible preview now ends with `line`."""
    took = False
    rows = tx.all(
        "select id, lane, said, part, attempts, message_id from outbound where turn = ? and state = 'live'",
        turn,
    )
    for row, lane, said, part, attempts, message_id in rows:
        if attempts == 0:
            tx.run("update outbound set state = 'dropped' where id = ?", (row,))
        elif said == "preview":
            shown: Part = read_part(part)
            closed = Part(f"{shown.text}\n\n{line}", shown.spans)
            tx.run(
                "update outbound set state = 'owed', said = 'notice', rank = 1, part = ? where id = ?",
                (to_json(closed), row),
            )
            took = took or message_id is not None
        elif said == "progress":
            _retire(tx, row, "retire")
        tx.then(WakeLane(read_lane(lane)))
    return took


def _retire(tx: Tx, row: int, op: str) -> None:
    tx.run("update outbound set state = 'owed', op = ? where id = ?", (op, row))


def show_waiting(tx: Tx, turn: int, inbound: int, message: Message, rules: AcceptRules, ahead: int) -> None:
    """The one visible sign that a message waits; at most one per running turn."""
    reacts = rules.sign == "react" and bool(message.message_id)
    if rules.sign == "none" or tx.one(
        "select 1 from outbound where turn = ? and said = 'sign' and state <> 'dropped'", turn
    ):
        return
    lane = message.address.lane
    tx.run(
        "insert into outbound(lane, address, turn, reply, said, op, part, rank, state, dirty, message_id, at)"
        " values(?, ?, ?, ?, 'sign', ?, ?, 0, 'live', 1, ?, ?)",
        (
            text_of(lane),
            text_of(message.address),
            turn,
            inbound,
            "react" if reacts else "send",
            to_json(Part(texts.waiting_line(ahead + 1))),
            message.message_id if reacts else None,
            tx.now,
        ),
    )
    tx.then(WakeLane(lane))


def hide_waiting(tx: Tx, lane: str, inbound: Sequence[int]) -> None:
    """The sign goes when the message it stands on is taken or settled."""
    rows = tx.all(
        f"select id, op, attempts, reply from outbound where {LANE_IS} and state = 'live' and said = 'sign'",
        lane,
    )
    for row, op, attempts, stands_on in rows:
        if stands_on not in inbound:
            continue
        if attempts == 0:
            tx.run("update outbound set state = 'dropped' where id = ?", (row,))
        else:
            _retire(tx, row, "unreact" if op == "react" else "retire")
            tx.then(WakeLane(read_lane(lane)))


def claim(tx: Tx, session: int, turn: int, rows: Sequence[tuple[int, bytes, float]]) -> tuple[Claimed, ...]:
    """Give waiting messages to a turn, with their user entries."""
    claimed = tuple(Claimed(id, read_message(body), at) for id, body, at in rows)
    for one in claimed:
        tx.run("update inbound set state = 'running', turn = ? where id = ?", (turn, one.id))
        tx.add_user_entry(session, turn, one.id, one.message)
    if claimed:
        hide_waiting(tx, text_of(claimed[-1].message.address.lane), [one.id for one in claimed])
    return claimed


def barrier(tx: Tx, key: str) -> int:
    """The number of the key's first unsettled command: nothing behind it is claimed."""
    row = tx.one("select min(id) from inbound where key = ? and outcome is null and kind = 'command'", key)
    return row[0] if row[0] is not None else 1 << 62


def say_in_preview(tx: Tx, turn: int, reply: Reply, *, waiting: bool = False) -> int | None:
    """Owe a reply, its first part as the edit of the turn's visible preview if there is one.

    Returns the reply's id.
    """
    row = tx.one(
        "select id, attempts, state from outbound where turn = ? and said = 'preview'"
        " and state in ('live', 'unknown') order by id desc limit 1",
        turn,
    )
    if row is None:
        return tx.owe(reply, turn, waiting=waiting)
    preview, attempts, state = row
    if state == "unknown":
        tx.run("update outbound set said = 'notice' where id = ?", (preview,))
        return tx.owe(reply, turn, unknown=1, waiting=waiting)
    if attempts == 0:
        tx.run("update outbound set state = 'dropped' where id = ?", (preview,))
        return tx.owe(reply, turn, waiting=waiting)
    rest = reply.parts[1:]
    tx.run(
        "update outbound set said = ?, part = ?, rank = 1, state = 'owed', last = ? where id = ?",
        (reply.said, to_json(reply.parts[0]), not rest, preview),
    )
    if rest:
        tx.owe(
            Reply(
                address=reply.address,
                parts=rest,
                said=reply.said,
                anchor=(reply.anchor_all and reply.anchor) or None,
            ),
            turn,
        )
        tx.run(
            "update outbound set reply = ? where turn = ? and said = ? and state = 'owed' and reply is null"
            " and id <> ?",
            (preview, turn, reply.said, preview),
        )
    tx.then(WakeLane(reply.address.lane))
    return int(preview)
