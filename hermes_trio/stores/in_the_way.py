"""Promises of last resort: what stands first in the way of a key or lane ends as failed.

Called when looking at the rows has failed three times in a row, and at a start: a row that cannot be read
must cost its own message, never its key, and never the start. What is left of the row stays in the file.
"""

from __future__ import annotations

from hermes_trio.consequences import WakeCommands, WakeKey, WakeLane
from hermes_trio.pure import texts
from hermes_trio.store_port import Reply
from hermes_trio.stores import rows
from hermes_trio.stores.delivery import end_question
from hermes_trio.stores.tx import (
    IS_OPEN,
    LANE_IS,
    PENDING,
    Tx,
    read_address,
    read_entry,
    read_key,
    read_lane,
    read_message,
    reads,
    text_of,
)
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
    _give_up(tx, row[0])
    tx.then(WakeLane(lane))
    return f"part {row[0]}"


def clear_the_way(tx: Tx) -> list[str]:
    """Rows that name no conversation or no chat any more end as failed, before a start looks at them.

    Returns what they were.
    """
    turns = tx.all(
        "select turn.id, turn.key, address, session.key from turn indexed by turn_running"
        " join session on session.id = turn.session where state = 'running'"
    )
    lost = {
        id
        for id, key, address, of_session in turns
        if key != of_session or not (reads(read_key, key) and reads(read_address, address))
    }
    keys = tx.all("select distinct key from inbound where outcome is null and key is not null")
    nobodys = [key for (key,) in keys if not reads(read_key, key)]
    for key in nobodys:
        claimed = tx.all("select turn from inbound where key = ? and outcome is null and turn > 0", key)
        lost |= {turn for (turn,) in claimed}
    for turn in lost:
        _lose_turn(tx, turn)
    messages = [id for key in nobodys for id in _lose(tx, "key = ?", key)]
    lanes = tx.all(f"select distinct lane from outbound where {IS_OPEN}")
    parts = [id for (lane,) in lanes if not reads(read_lane, lane) for id in _lose_lane(tx, lane)]
    children = tx.all("select id, key, address from child indexed by child_running where state = 'running'")
    for id, key, address in children:
        if not (reads(read_key, key) and reads(read_address, address)):
            tx.run("update child set notify = 0 where id = ?", (id,))  # nobody is known who could be told
    named = (("turn", sorted(lost)), ("message", messages), ("part", parts))
    return [f"{what} {id}" for what, ids in named for id in ids]


def _lose_turn(tx: Tx, turn: int) -> None:
    tx.run(
        "update turn set state = 'failed', closed_at = ?, reason = ? where id = ?", (tx.now, UNREADABLE, turn)
    )
    tx.run("update step set asked = null where turn = ? and asked is not null", (turn,))
    tx.run("update outbound set state = 'dropped' where turn = ? and state = 'live'", (turn,))
    _lose(tx, "turn = ?", turn)


def _lose(tx: Tx, where: str, value: object) -> list[int]:
    """The unsettled messages and commands of `where` fail, with a sentence wherever that can be said."""
    found = tx.all(f"select id, body from inbound where outcome is null and {where} order by id", value)
    for id, body in found:
        tx.settle_inbound("id = ?", (id,), "failed", UNREADABLE)
        if reads(read_message, body):
            _tell(tx, read_message(body).address, texts.MESSAGE_FAILED, id)
    return [id for id, _ in found]


def _lose_lane(tx: Tx, lane: object) -> list[int]:
    found = [id for (id,) in tx.all(f"select id from outbound where {LANE_IS} order by id", lane)]
    for id in found:
        _give_up(tx, id)
    return found


def _give_up(tx: Tx, row: int) -> None:
    tx.run(
        "update outbound set state = 'failed', begun = 0, why = 'undeliverable', sent_at = ? where id = ?",
        (tx.now, row),
    )
    end_question(tx, row)


def _set_aside(tx: Tx, session: int) -> str:
    """Take out of the transcript what cannot be read; returns the entries' numbers."""
    found = tx.all("select id, body from entry where session = ?", session)
    bad = [(id,) for id, body in found if not reads(read_entry, body)]
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
    bad = [id for id, body in waiting if not reads(read_message, body)]
    return next(iter([*bad, *(id for id, _ in waiting)]), None)


def _fail_turn(tx: Tx, key: Key, turn: int) -> None:
    (address,) = tx.one("select address from turn where id = ?", turn)
    rows.end_turn(tx, turn, text_of(key), "failed", UNREADABLE)
    tx.run("update outbound set state = 'dropped' where turn = ? and state = 'live'", (turn,))
    where = read_address(address) if reads(read_address, address) else _place(key)
    _tell(tx, where, texts.failed(turn))


def _where(tx: Tx, key: Key, inbound: int) -> Address:
    (body,) = tx.one("select body from inbound where id = ?", inbound)
    return read_message(body).address if reads(read_message, body) else _place(key)


def _place(key: Key) -> Address:
    """A key that was reduced from an address still names its chat."""
    return Address(key.platform, key.account, key.chat, key.thread, key.user)


def _tell(tx: Tx, address: Address, text: str, answers: int | None = None) -> None:
    tx.owe(Reply(address=address, parts=(Part(text),), said="notice"), None, answers=answers)
