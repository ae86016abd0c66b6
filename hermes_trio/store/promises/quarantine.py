"""Promises of last resort: what stands first in the way of a key or lane ends as failed.

Called when a worker has failed three times in a row although each row can be read. Whatever stops it costs
its own message, and never the whole key.
"""

from __future__ import annotations

from hermes_trio.store.promises import claims, turn_end
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.promises.unreadable import UNREADABLE, give_up, place
from hermes_trio.store.tx import LANE_IS, PENDING, Tx, read_address, read_message, readable, reads, text_of
from hermes_trio.text.notices import sentence
from hermes_trio.values.consequences import WakeCommands, WakeKey, WakeLane
from hermes_trio.values.identity import Address, ConversationKey, Lane
from hermes_trio.values.notices import TurnFailed

_WITHDRAW = update("withdrawn", "turn = :turn")


def fail_next(tx: Tx, key: ConversationKey, session: int) -> str | None:
    """The running turn fails, else a waiting message."""
    if tx.one("select 1 from session where id = ? and ended_at is null", session) is None:
        return None
    turn = tx.running_turn(session)
    message = _message_in_the_way(tx, key) if turn is None else None
    tx.then(WakeKey(key, session))
    if turn is not None:
        _fail_turn(tx, key, turn)
        return f"turn {turn}"
    if message is not None:
        tx.settle_inbound("id = ?", (message,), "failed", UNREADABLE)
        tx.unsay([message])
        tx.tell(_where(tx, key, message), sentence("message_failed"), answers=message)
        return f"message {message}"
    return None


def fail_command(tx: Tx, key: ConversationKey) -> str | None:
    """The key's first unsettled command fails; what waits behind it may run."""
    name = text_of(key)
    command = claims.barrier(tx, name)
    if not tx.settle_inbound("id = ?", (command,), "failed", UNREADABLE):
        return None
    tx.tell(_where(tx, key, command), sentence("command_failed"), answers=command)
    tx.then(WakeCommands(key))
    tx.then(WakeKey(key, tx.session_of(name)))
    return f"command {command}"


def fail_part(tx: Tx, lane: Lane, live: bool) -> str | None:
    """The lane's first row is given up."""
    row = tx.one(
        f"select id from outbound where {LANE_IS}"
        " and (state in ('owed', 'sending') or (state = 'live' and dirty = 1 and ?))"
        " order by rank, id limit 1",
        text_of(lane),
        live,
    )
    if row is None:
        return None
    give_up(tx, row[0])
    tx.then(WakeLane(lane))
    return f"part {row[0]}"


def _message_in_the_way(tx: Tx, key: ConversationKey) -> int | None:
    """The first message that cannot be read among those that the next turn would take; else their first."""
    name = text_of(key)
    waiting = tx.all(
        f"select id, body from inbound where key = ? and id < ? and {PENDING} order by id",
        name,
        claims.barrier(tx, name),
    )
    bad = [id for id, body in waiting if not reads(read_message, body)]
    return next(iter([*bad, *(id for id, _ in waiting)]), None)


def _fail_turn(tx: Tx, key: ConversationKey, turn: int) -> None:
    (address,) = tx.one("select address from turn where id = ?", turn)
    turn_end.end_turn(tx, turn, text_of(key), "failed", UNREADABLE)
    tx.run(_WITHDRAW, {"turn": turn})
    tx.tell(readable(read_address, address) or place(key), sentence(TurnFailed(turn)))


def _where(tx: Tx, key: ConversationKey, inbound: int) -> Address:
    (body,) = tx.one("select body from inbound where id = ?", inbound)
    message = readable(read_message, body)
    return place(key) if message is None else message.address
