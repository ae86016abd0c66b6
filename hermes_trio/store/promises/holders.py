"""Who holds an account where several boots share the store: who polls, and who serves its lanes."""

from __future__ import annotations

from hermes_trio.errors import NotHolder
from hermes_trio.store.promises.alive import IS_OF_THE_LIVING
from hermes_trio.store.tx import IS_OPEN, Tx, read_lane, text_of
from hermes_trio.values.consequences import WakeLane
from hermes_trio.values.identity import Lane


def holder_of(tx: Tx, account: str) -> int | None:
    """The boot alive that holds the account."""
    row = tx.one(f"select boot from account_holder where account = ? and {IS_OF_THE_LIVING}", account)
    return row[0] if row else None


def holds(tx: Tx, account: str) -> bool:
    """Whether this boot speaks for the account. In a store that is not shared it does for all."""
    return not tx.shared or holder_of(tx, account) == tx.boot


def must_hold(tx: Tx, account: str) -> None:
    """What another boot receives for the account is not taken from this one: NotHolder."""
    if not holds(tx, account):
        raise NotHolder(f"account {account}")


def may_speak(tx: Tx, lane: Lane) -> bool:
    """Whether the lane's next call is this boot's: it holds the account, and another's call has ended."""
    if not tx.shared:
        return True
    return tx.one(_MAY_SPEAK, lane.account_id, tx.boot, text_of(lane), tx.boot) is not None


_MAY_SPEAK = (
    "select 1 from account_holder where account = ? and boot = ? and not exists(select 1 from outbound"
    f" where lane = ? and {IS_OPEN} and begun <> 0 and boot <> ? and {IS_OF_THE_LIVING})"
)


def calls(tx: Tx, row: int | None) -> None:
    """The row's call is this boot's."""
    if tx.shared:
        tx.run("update outbound set boot = ? where id = ?", (tx.boot, row))


def called(tx: Tx, row: int) -> str | None:
    """The text of the row's lane if its call was this boot's: what became of another's is not its to say.
    In a store that is not shared every call was, and the lane is not looked up."""
    if not tx.shared:
        return ""
    found = tx.one("select lane from outbound where id = ? and boot = ?", row, tx.boot)
    return found[0] if found is not None else None


def hand_lane_on(tx: Tx, of: str) -> bool:
    """If another boot holds the account of this lane by now, the lane is woken there. Whether it was."""
    if not tx.shared:
        return False
    lane = read_lane(of)
    if holds(tx, lane.account_id):
        return False
    tx.then(WakeLane(lane))
    return True
