"""Claims: a turn takes waiting messages, and each gets its entry in the transcript."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.store.promises import live_rows
from hermes_trio.store.tx import ANY_PENDING, BARRIER, Tx, read_message, text_of
from hermes_trio.values.stored import Claimed


def barrier(tx: Tx, key: str) -> int:
    """The number of the key's first unsettled command: nothing behind it is claimed."""
    (first,) = tx.one(f"select {BARRIER}", key)
    return int(first)


def in_history(tx: Tx, session: int, key: str) -> list[tuple[int, bytes, float, str]]:
    """Messages that an interrupted turn has given back. The turn that opens now takes them all.

    They stand in the transcript already, so this turn answers them. A later turn would find them answered.
    """
    told = "exists(select 1 from entry where entry.inbound = inbound.id and entry.session = ?)"
    return tx.all(
        f"select id, body, at, kind from inbound where key = ? and id < {BARRIER}"
        f" and {ANY_PENDING} and {told}",
        key,
        key,
        session,
    )


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
            live_rows.hide_waiting(tx, lane, [one.id for one in claimed])
    return tuple(claimed)


_BEFORE = (
    "select exists(select 1 from session where id = ? and wakes > 0),"
    f" exists(select 1 from outbound where {live_rows.SIGNS})"
)
"""Whether the gateway has opened turns of the session by itself, and whether the lane shows signs."""
