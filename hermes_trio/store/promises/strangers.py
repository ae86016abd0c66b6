"""What is kept of people who may not speak, and of updates that cannot be read: they cannot fill the disk."""

from __future__ import annotations

from hermes_trio.store.tx import Tx
from hermes_trio.values.consequences import Unkept
from hermes_trio.values.message import Decided, Undecodable

HOUR_S = 3600.0
EACH_MAX, ALL_MAX = 60, 1000
"""Rows kept in an hour: of one sender, and of all senders of an account. Further updates are counted."""
UNDECODED_MAX = 8192
"""Bytes that are kept of an update that cannot be decoded."""
RAW_S = 7 * 86400.0
"""How many seconds an update is kept as it came, after its message was settled."""
AT_ONCE = 20

ALL, UNDECODED = "all", "undecoded"


def has_room(tx: Tx, account: str, decided: Decided) -> bool:
    """Whether an update that was turned away may have a row. It is counted either way.

    An update that has its row already has room.
    """
    update = decided.update
    if tx.one("select 1 from inbound where account = ? and native = ?", account, update.native):
        return True
    who = UNDECODED if isinstance(update, Undecodable) else f"user {update.address.user}"
    hour = _hour(tx)
    full = any(
        tx.one(
            "select 1 from stranger where account = ? and hour = ? and who = ? and kept >= ?",
            *(account, hour, one, most),
        )
        for one, most in ((ALL, ALL_MAX), (who, EACH_MAX))
    )
    # Past the budget all are counted in one row, however many strangers come.
    for one in (ALL,) if full else (ALL, who):
        tx.run(
            "insert into stranger(account, hour, who, kept, unkept) values(?, ?, ?, ?, ?)"
            " on conflict(account, hour, who) do update"
            " set kept = stranger.kept + excluded.kept, unkept = stranger.unkept + excluded.unkept",
            (account, hour, one, not full, full),
        )
    return not full


def forget(tx: Tx, account: str) -> None:
    """Report and forget hours that are over. Forget some of the updates that nobody reads any more."""
    over, unread_since = (account, _hour(tx)), tx.now - RAW_S
    told_of, unread = tx.one(_TO_FORGET, *over, unread_since)
    if told_of:
        told = "case who when ? then cast(unkept as integer) else 0 end"
        gone = f"delete from stranger where account = ? and hour < ? returning {told}"
        unkept = sum(count for (count,) in tx.all(gone, *over, ALL))
        if unkept:
            tx.then(Unkept(account, unkept))
    if unread:
        for (id,) in tx.all(f"select id from inbound where {_UNREAD} limit ?", unread_since, AT_ONCE):
            tx.run("update inbound set raw = null where id = ?", (id,))


_UNREAD = "raw is not null and outcome is not null and settled_at < ?"
_TO_FORGET = (
    "select exists(select 1 from stranger where account = ? and hour < ?),"
    f" exists(select 1 from inbound where {_UNREAD})"
)
"""One look for each batch that comes in; most find nothing."""


def _hour(tx: Tx) -> int:
    return int(tx.now // HOUR_S)
