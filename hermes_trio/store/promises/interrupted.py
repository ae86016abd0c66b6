"""Turns that a boot which is over left running, as whoever gives the verdict is shown them."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from hermes_trio.store.tx import Tx, read_address, read_entry, read_key, read_message, reads
from hermes_trio.values.identity import Address
from hermes_trio.values.stored import Interrupted
from hermes_trio.values.transcript import Entry, NoteEntry

RUNNING = (
    "select turn.id, session, turn.key, address, attempt, turn.opened_at, session.interrupted"
    " from turn indexed by turn_running join session on session.id = turn.session where state = 'running'"
)


def is_whole(row: tuple[int, int, str, str, int, float, int]) -> bool:
    """It says whose it is. What does not is cleared out of the way next."""
    return reads(read_key, row[2]) and reads(read_address, row[3])


def interrupted(tx: Tx, row: tuple[int, int, str, str, int, float, int]) -> Interrupted:
    """What the verdict on the turn of this row of `RUNNING` depends on."""
    turn, session, key, address, attempt, opened_at, interruptions = row
    last = tx.one("select at from entry where session = ? order by id desc limit 1", session)
    asks = tx.one("select 1 from step where turn = ? and asked is not null", turn) is not None
    (wakes_at,) = tx.one("select max(wake_at) from step where turn = ? and state = 'intent'", turn)
    sleeps = wakes_at is not None and wakes_at > tx.now
    said_at = last[0] if last and isinstance(last[0], int | float) else opened_at
    return Interrupted(
        turn=turn,
        session=session,
        key=read_key(key),
        address=read_address(address),
        attempt=attempt,
        age_s=tx.now - (said_at if wakes_at is None else max(said_at, wakes_at)),
        interruptions=interruptions,
        waits=asks or sleeps,
        tail=_tail(tx, turn, session, key),
        said=who_wrote(tx, "key = ? and turn = ?", key, turn),
    )


def _tail(tx: Tx, turn: int, session: int, key: str) -> Entry | None:
    """The newest entry of the turn, or of a message that it was given again; a note says nothing of it.

    A message whose entry is spoilt gets a new entry when the turn goes on.
    """
    mine = "turn = ? or inbound in (select id from inbound where key = ? and turn = ? and outcome is null)"
    for (body,) in tx.run(
        f"select body from entry where session = ? and ({mine}) order by id desc", (session, turn, key, turn)
    ):
        if not reads(read_entry, body):
            continue
        entry: Entry = read_entry(body)
        if not isinstance(entry, NoteEntry):
            return entry
    return None


def who_wrote(tx: Tx, where: str, *args: Any) -> tuple[tuple[int, Address], ...]:
    """Each of these messages and commands, with its writer's address. One that cannot be read fails later."""
    found = []
    for id, body in tx.all(f"select id, body from inbound where outcome is null and {where}", *args):
        if reads(read_message, body):
            found.append((id, read_message(body).address))
    return tuple(sorted(found, key=itemgetter(0)))
