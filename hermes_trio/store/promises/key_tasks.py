"""Whose task works on a key, where several boots share the store: the key's row names the boot.

Until that task has left, or its boot is over, no other boot opens a turn of the key.
"""

from __future__ import annotations

from hermes_trio.store.promises.alive import IS_OF_THE_LIVING, is_over
from hermes_trio.store.tx import ANY_CLAIMABLE, BARRIER, Tx, text_of
from hermes_trio.values.consequences import WakeKey
from hermes_trio.values.identity import ConversationKey


def worker_of(tx: Tx, key: str) -> int | None:
    """The boot alive whose task works on the key."""
    row = tx.one(f"select boot from key_task where key = ? and {IS_OF_THE_LIVING}", key)
    return row[0] if row else None


def claim_key(tx: Tx, key: str) -> bool:
    """The key is this boot's from now on. False: it is another's that lives."""
    row = tx.one("select boot from key_task where key = ?", key)
    if row is not None and not (row[0] == tx.boot or is_over(tx, row[0])):
        return False
    if row is None or row[0] != tx.boot:
        tx.run(
            "insert into key_task(key, boot) values(?, ?)"
            " on conflict(key) do update set boot = excluded.boot",
            (key, tx.boot),
        )
    return True


def give_back_key(tx: Tx, key: str) -> None:
    """No task of this boot works on the key any more. Nobody is woken."""
    tx.run("delete from key_task where key = ? and boot = ?", (key, tx.boot))


def leave_key(tx: Tx, key: ConversationKey) -> None:
    """The key's task has left without having asked what is next. If there is something, its home is woken."""
    name = text_of(key)
    give_back_key(tx, name)
    if tx.one(_HAS_WORK, name, name, name) is not None:
        tx.then(WakeKey(key, tx.session_of(name)))


_HAS_WORK = (
    "select 1 where exists(select 1 from session join turn on turn.session = session.id"
    " where session.key = ? and session.ended_at is null and turn.state = 'running' and paused_at is null)"
    f" or exists(select 1 from inbound where key = ? and id < {BARRIER} and {ANY_CLAIMABLE})"
)
