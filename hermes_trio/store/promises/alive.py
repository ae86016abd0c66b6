"""Which boots are over: they write nothing any more, and what they began is for others to take up."""

from __future__ import annotations

from hermes_trio.errors import StaleTurn
from hermes_trio.store.tx import Tx

ALIVE = "ended_at is null and buried_at is null"
"""The condition that a boot is not over."""


def is_over(tx: Tx, boot: int) -> bool:
    """Whether this boot is over.

    In a store that is not shared no other boot lives, whatever the rows say: whoever writes has the file.
    """
    if boot == tx.boot:
        return False
    return not tx.shared or tx.one(f"select 1 from boot where id = ? and {ALIVE}", boot) is None


def left_running(tx: Tx, turn: int) -> tuple[int, str, str, str | None]:
    """(session, key, address, anchor) of a turn that a boot which is over left running, else StaleTurn."""
    row = tx.one(
        "select boot, session, key, address, anchor from turn where id = ? and state = 'running'", turn
    )
    if row is None or not is_over(tx, row[0]):
        raise StaleTurn(f"turn {turn}")
    return row[1:]  # type: ignore[no-any-return]
