"""Promises of a boot: what the one before left, what must be looked at, checkpoint and end."""

from __future__ import annotations

from hermes_trio.consequences import WakeCommands, WakeKey, WakeLane
from hermes_trio.errors import StaleTurn
from hermes_trio.store_port import Booted, Interrupted, Reply
from hermes_trio.stores import rows
from hermes_trio.stores.delivery import doubt
from hermes_trio.stores.tx import IS_OPEN, Tx, read_address, read_key, read_lane
from hermes_trio.values import Part


def begin_boot(tx: Tx) -> Booted:
    """A new life: sends in flight become unknown, interruptions are counted, once."""
    before = tx.one("select id, clean from boot order by id desc limit 1")
    cursor = tx.run("insert into boot(started_at) values(?)", (tx.now,))
    assert cursor.lastrowid is not None
    doubt(tx, IS_OPEN)
    running = "select session from turn where state = 'running'"
    tx.run(f"update session set interrupted = 0 where interrupted > 0 and id not in ({running})")
    tx.run(f"update session set interrupted = interrupted + 1 where id in ({running})")
    tx.run("delete from penalty where until <= ?", (tx.now,))
    return Booted(
        boot=cursor.lastrowid,
        first=before is None,
        clean=before is None or bool(before[1]),
        interrupted=tuple(_interrupted(tx, row) for row in sorted(tx.all(_RUNNING))),
        penalties=tuple(tx.all("select account, chat, until from penalty")),
    )


_RUNNING = (
    "select turn.id, session, turn.key, address, attempt, turn.opened_at, session.interrupted"
    " from turn indexed by turn_running join session on session.id = turn.session where state = 'running'"
)


def _interrupted(tx: Tx, row: tuple[int, int, str, str, int, float, int]) -> Interrupted:
    turn, session, key, address, attempt, opened_at, interruptions = row
    last = tx.one("select at from entry where session = ? order by id desc limit 1", session)
    asks = tx.one("select 1 from step where turn = ? and asked is not null", turn) is not None
    (wakes_at,) = tx.one("select max(wake_at) from step where turn = ? and state = 'intent'", turn)
    sleeps = wakes_at is not None and wakes_at > tx.now
    said_at = last[0] if last else opened_at
    return Interrupted(
        turn=turn,
        session=session,
        key=read_key(key),
        address=read_address(address),
        attempt=attempt,
        last_at=said_at if wakes_at is None else max(said_at, wakes_at),
        interruptions=interruptions,
        waits=asks or sleeps,
    )


def abandon(tx: Tx, turn: int, reason: str, text: str) -> None:
    """A turn of an older boot is not resumed: closed, its messages settled, its chat told once."""
    row = tx.one(
        "select key, address, anchor from turn where id = ? and boot <> ? and state = 'running'",
        turn,
        tx.boot,
    )
    if row is None:
        raise StaleTurn(f"turn {turn}")
    key, address, anchor = row
    rows.end_turn(tx, turn, key, "abandoned", reason)
    if not rows.retire_live(tx, turn, text):
        tx.owe(Reply(address=read_address(address), parts=(Part(text),), said="notice", anchor=anchor), turn)


def commands_waiting(tx: Tx) -> int:
    """Wake every key with unsettled commands."""
    keys = tx.all("select key, count(*) from inbound where outcome is null and kind = 'command' group by key")
    for key, _ in keys:
        tx.then(WakeCommands(read_key(key)))
    return sum(count for _, count in keys)


def wake_all(tx: Tx) -> None:
    """Wake every key with a turn to adopt or messages waiting, and every lane with something to say."""
    keys = {row[0] for row in tx.all("select key from turn where state = 'running'")}
    keys |= {
        row[0]
        for row in tx.all("select distinct key from inbound where outcome is null and kind <> 'command'")
    }
    for key in sorted(keys):
        tx.then(WakeKey(read_key(key), tx.session_of(key)))
    for (lane,) in tx.all(
        "select distinct lane from outbound where state in ('owed', 'sending', 'live') order by lane"
    ):
        tx.then(WakeLane(read_lane(lane)))


def checkpoint(tx: Tx, why: str) -> int:
    """Reason and time on every running turn of this boot."""
    return tx.run(
        "update turn set checkpoint_at = ?, checkpoint_why = ? where state = 'running' and boot = ?",
        (tx.now, why, tx.boot),
    ).rowcount


def end_boot(tx: Tx) -> None:
    """A boot's last commit; clean if it left no turn running."""
    clean = tx.one("select 1 from turn where state = 'running'") is None
    tx.run("update boot set ended_at = ?, clean = ? where id = ?", (tx.now, clean, tx.boot))
