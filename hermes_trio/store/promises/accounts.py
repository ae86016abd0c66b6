"""An account passes from boot to boot, where several share the store."""

from __future__ import annotations

from hermes_trio.store.promises.alive import is_over, living
from hermes_trio.store.promises.delivery import penalties
from hermes_trio.store.promises.holders import holder_of
from hermes_trio.store.promises.intake import cursor
from hermes_trio.store.tx import IS_OPEN, Tx, read_lane, readable
from hermes_trio.values.consequences import LookAround, WakeLane
from hermes_trio.values.identity import Lane
from hermes_trio.values.nodes import Held

AT_ONCE = 500


def hold_account(tx: Tx, account: str) -> Held | None:
    """The account is this boot's from now on, and its lanes are woken; where they are many, the others when
    the boot renews. None: another that lives holds it."""
    row = tx.one("select boot from account_holder where account = ?", account)
    if row is not None and not (row[0] == tx.boot or is_over(tx, row[0])):
        return None
    if row is None or row[0] != tx.boot:
        tx.run(
            "insert into account_holder(account, boot, since) values(?, ?, ?)"
            " on conflict(account) do update set boot = excluded.boot, since = excluded.since",
            (account, tx.boot, tx.now),
        )
    for lane in open_lanes(tx, {account})[:AT_ONCE]:
        tx.then(WakeLane(lane))
    mine = tuple(one for one in penalties(tx) if one[0] == account)
    return Held(cursor(tx, account), mine)


def hand_account(tx: Tx, account: str) -> int | None:
    """The account of this boot is another's from now on, of the next that serves it. None: no other does."""
    serving = [
        one.boot for one in living(tx) if one.boot != tx.boot and not one.draining and account in one.accounts
    ]
    if not serving or holder_of(tx, account) != tx.boot:
        return None
    # Each in its turn: the one after this may be as cut off from the platform.
    after = min((boot for boot in serving if boot > tx.boot), default=serving[0])
    tx.run("update account_holder set boot = ?, since = ? where account = ?", (after, tx.now, account))
    tx.then(LookAround())
    return after


def open_lanes(tx: Tx, accounts: set[str]) -> tuple[Lane, ...]:
    """The lanes of these accounts that have something to say."""
    found = tx.all(f"select distinct lane from outbound where {IS_OPEN} order by lane")
    lanes = (readable(read_lane, text) for (text,) in found)
    return tuple(lane for lane in lanes if lane is not None and lane.account_id in accounts)
