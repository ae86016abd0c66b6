"""Promises of last resort: what stands first in the way of a key or lane ends as failed.

Called when looking at the rows has failed three times in a row: a row that cannot be read must cost its own
message, never its key. What is left of the row stays in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hermes_trio.consequences import WakeCommands, WakeKey, WakeLane
from hermes_trio.pure import texts
from hermes_trio.store_port import Reply
from hermes_trio.stores import rows
from hermes_trio.stores.delivery import end_question
from hermes_trio.stores.tx import LANE_IS, PENDING, Tx, read_address, read_entry, read_message, text_of
from hermes_trio.values import Address, Key, Lane, Part

UNREADABLE = "unreadable"
NO_SESSION = 0


def fail_next(tx: Tx, key: Key, session: int) -> str | None:
    """Entries that cannot be read are set aside; else the running turn fails; else a waiting message."""
    if tx.one("select 1 from session where id = ? and ended_at is null", session) is None:
        return None
    aside = _set_aside(tx, session)
    turn = tx.running_turn(session)
    message = _message_in_the_way(tx, key) if turn is None else None
    tx.then(WakeKey(key, session))
    if aside:
        return f"entry {aside}"
    if turn is not None:
        _fail_turn(tx, key, turn)
        return f"turn {turn}"
    if message is not None:
        tx.settle_inbound("id = ?", (message,), "failed", UNREADABLE)
        _tell(tx, _where(tx, key, message), texts.MESSAGE_FAILED, message)
        return f"message {message}"
    return None


def fail_command(tx: Tx, key: Key) -> str | None:
    """The key's first unsettled command fails; what waits behind it may run."""
    name = text_of(key)
    command = rows.barrier(tx, name)
    if not tx.settle_inbound("id = ?", (command,), "failed", UNREADABLE):
        return None
    _tell(tx, _where(tx, key, command), texts.COMMAND_FAILED, command)
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
    tx.run(
        "update outbound set state = 'failed', begun = 0, why = 'undeliverable', sent_at = ? where id = ?",
        (tx.now, row[0]),
    )
    end_question(tx, row[0])
    tx.then(WakeLane(lane))
    return f"part {row[0]}"


def _set_aside(tx: Tx, session: int) -> str:
    """Take out of the transcript what cannot be read; returns the entries' numbers."""
    found = tx.all("select id, body from entry where session = ?", session)
    bad = [(id,) for id, body in found if not _reads(read_entry, body)]
    tx.db.executemany(f"update entry set session = {NO_SESSION} where id = ?", bad)
    return ", ".join(str(id) for (id,) in bad)


def _message_in_the_way(tx: Tx, key: Key) -> int | None:
    """Of the messages that the next turn would take the first that cannot be read, else the first."""
    name = text_of(key)
    waiting = tx.all(
        f"select id, body from inbound where key = ? and id < ? and {PENDING} order by id",
        name,
        rows.barrier(tx, name),
    )
    bad = [id for id, body in waiting if not _reads(read_message, body)]
    return next(iter([*bad, *(id for id, _ in waiting)]), None)


def _fail_turn(tx: Tx, key: Key, turn: int) -> None:
    (address,) = tx.one("select address from turn where id = ?", turn)
    rows.end_turn(tx, turn, text_of(key), "failed", UNREADABLE)
    tx.run("update outbound set state = 'dropped' where turn = ? and state = 'live'", (turn,))
    where = read_address(address) if _reads(read_address, address) else _place(key)
    _tell(tx, where, texts.failed(turn))


def _where(tx: Tx, key: Key, inbound: int) -> Address:
    (body,) = tx.one("select body from inbound where id = ?", inbound)
    return read_message(body).address if _reads(read_message, body) else _place(key)


def _place(key: Key) -> Address:
    """A key that was reduced from an address still names its chat."""
    return Address(key.platform, key.account, key.chat, key.thread, key.user)


def _tell(tx: Tx, address: Address, text: str, answers: int | None = None) -> None:
    tx.owe(Reply(address=address, parts=(Part(text),), said="notice"), None, answers=answers)


def _reads(read: Callable[[Any], object], body: Any) -> bool:
    try:
        read(body)
    except (msgspec.MsgspecError, TypeError, UnicodeDecodeError):
        return False
    return True
