"""Promises about keys that cool down, and about the messages that wait until one may be used.

A deferred message stays untouched until it waits again, or until a newer message of its conversation waits.
Then `next_turn` claims it in its place in the order.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import astuple

from hermes_trio.store.promises import claims
from hermes_trio.store.tx import BY_PERSON, Tx, read_key
from hermes_trio.values.consequences import Deferred, WakeKey
from hermes_trio.values.key_state import Cooldown, KeyCooldown
from hermes_trio.values.stored import Closing

_DEFERRED = "state = 'deferred' and outcome is null"
PACE_S = 30.0
"""While several conversations are overdue, one is tried every so many seconds, until a key works."""


_COOLDOWNS = "fingerprint, model, pool, place, kind, since, until, strikes, tried_at, dead, why"
_INSTEAD = " on conflict(fingerprint, model) do update set " + ", ".join(
    f"{name} = excluded.{name}" for name in _COOLDOWNS.split(", ")[2:]
)


def key_cooldowns(tx: Tx) -> tuple[KeyCooldown, ...]:
    """What earlier lives knew of keys that were refused."""
    found = tx.all(f"select {_COOLDOWNS} from key_cooldown order by pool, place, model")
    return tuple(
        KeyCooldown(
            fingerprint=fingerprint,
            model=model,
            pool=pool,
            place=place,
            cooldown=Cooldown(kind, since, until, strikes, tried_at, bool(dead), why),
        )
        for fingerprint, model, pool, place, kind, since, until, strikes, tried_at, dead, why in found
    )


def keep_cooldowns(tx: Tx, put: Sequence[KeyCooldown], gone: Sequence[tuple[str, str]]) -> None:
    """What is known now. Where a cooldown is over, all that was deferred waits again."""
    for one in put:
        if tx.shared and _knows_newer(tx, one):
            continue
        tx.run(
            f"insert into key_cooldown({_COOLDOWNS}) values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?){_INSTEAD}",
            (one.fingerprint, one.model, one.pool, one.place, *astuple(one.cooldown)),
        )
    for fingerprint, model in gone:
        tx.run("delete from key_cooldown where fingerprint = ? and model = ?", (fingerprint, model))
    if gone:
        revive(tx)


def _knows_newer(tx: Tx, one: KeyCooldown) -> bool:
    """Another boot was refused with the key later than this one."""
    newer = "select 1 from key_cooldown where fingerprint = ? and model = ? and since > ?"
    return tx.one(newer, one.fingerprint, one.model, one.cooldown.since) is not None


def defer(tx: Tx, turn: int, key: str, closing: Closing) -> bool:
    """Keep a turn's messages, and those that wait behind them, until a key may be used.

    The messages behind must not overtake, so they are deferred too, and the one notice is for them as well.
    Returns whether there is anybody who has not been told yet.
    """
    where = (
        "outcome is null and key = ? and kind not in ('answer', 'command')"
        " and (turn = ? or state in ('waiting', 'deferred') and id < ?)"
    )
    args = (key, turn, claims.barrier(tx, key))
    untold = tx.one(f"select 1 from inbound where {where} and told = 0 limit 1", *args) is not None
    assert closing.until is not None
    told = closing.reply is not None
    # No model saw what the gateway wrote to itself, so this turn does not count as one that it opened.
    tx.run(
        "update session set wakes = wakes - 1 where wakes > 0"
        " and id = (select session from turn where id = ?) and not exists"
        " (select 1 from inbound where key = ? and turn = ? and outcome is null"
        f" and {BY_PERSON})",
        (turn, key, turn),
    )
    tx.run(
        "update inbound set state = 'deferred', due = ?, turn = null, step = null,"
        " told = case when told > ? then told else ? end"
        f" where {where}",
        (closing.until, told, told, *args),
    )
    tx.then(Deferred(closing.until))
    return untold and told


def retry_deferred(tx: Tx) -> float | None:
    """Messages wait again: of the conversation that is overdue the longest, and of overdue ones not yet told.

    Returns the wall time to look again, None while nothing is deferred.
    """
    overdue = tx.one(
        f"select key from inbound where {_DEFERRED} and due <= ? order by due, id limit 1", tx.now
    )
    if overdue is not None:
        revive(tx, overdue[0])
        for (key,) in tx.all(
            f"select distinct key from inbound where {_DEFERRED} and due <= ? and told = 0", tx.now
        ):
            revive(tx, key)
    first = earliest(tx)
    if first is None or first > tx.now:
        return first
    (coming,) = tx.one(f"select min(due) from inbound where {_DEFERRED} and due > ?", tx.now)
    return min(tx.now + PACE_S, coming or float("inf"))


def earliest(tx: Tx) -> float | None:
    """When the first of the deferred messages is due, None while nothing is deferred."""
    return tx.one(f"select min(due) from inbound where {_DEFERRED}")[0]  # type: ignore[no-any-return]


def revive(tx: Tx, key: str | None = None) -> None:
    """Deferred messages wait again, of one key or of all, and their keys are woken."""
    where, args = (_DEFERRED, tuple[str, ...]()) if key is None else (f"{_DEFERRED} and key = ?", (key,))
    for (name,) in tx.all(f"select distinct key from inbound where {where}", *args):
        tx.then(WakeKey(read_key(name), tx.session_of(name)))
    wait_again(tx, where, args)


def wait_again(tx: Tx, where: str = _DEFERRED, args: tuple[str, ...] = ()) -> None:
    """Deferred messages wait again. Nobody is woken."""
    tx.run(f"update inbound set state = 'waiting', due = null where {where}", args)
