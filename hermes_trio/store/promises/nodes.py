"""Promises of boots that share a store: one joins, renews its lease, drains, and buries another.

A boot's row is its lease. Its times are those of the store's clock, which alone decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.errors import LeaseOver
from hermes_trio.ports.store.boots import CALM_S
from hermes_trio.store.promises import processes
from hermes_trio.store.promises.accounts import open_lanes
from hermes_trio.store.promises.alive import ALIVE, IS_OF_THE_LIVING, living
from hermes_trio.store.promises.boot import GUARD_BOOTS, is_guarded, release
from hermes_trio.store.promises.deferral import earliest, key_cooldowns
from hermes_trio.store.promises.delivery import cut_off
from hermes_trio.store.promises.holders import holder_of
from hermes_trio.store.promises.moved_chats import moves
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.promises.signals import DEFERRED, take_signals
from hermes_trio.store.tx import ANY_CLAIMABLE, Tx, read_key, readable, to_json
from hermes_trio.values.consequences import LookAround, WakeCommands, WakeKey
from hermes_trio.values.homes import home_among
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.nodes import Node, Renewal
from hermes_trio.values.recording import Setup
from hermes_trio.values.stored import Booted

PAUSED = "paused"
"""What the boot is home to that lets paused turns go on."""
_LET_OUT = update("let out", "state = 'held' and boot in (select id from boot where node = :node)")


def join(tx: Tx, setup: Setup | None, node: str, lease_s: float, last: int = 0) -> Booted:
    """Begin a boot beside others. What they began is theirs while they live; what it finds left, it takes up
    as it renews.

    Args:
        last: the boot before it of the same process, which has left: it is over, and its node did not die.
    """
    if last:
        ends = "update boot set buried_at = coalesce(buried_at, ?), ended_at = ? where id = ?"
        if tx.run(f"{ends} and {ALIVE}", (tx.now, tx.now, last)).rowcount:
            _is_over(tx, last)
        else:
            tx.run(ends, (tx.now, tx.now, last))
    before = tx.all(
        "select clean, started_at, ended_at from boot where node = ? order by id desc limit ?",
        node,
        GUARD_BOOTS,
    )
    guarded = is_guarded(tx, before)
    boot = tx.insert(
        "insert into boot(started_at, setup, node, renewed_at, until, calm_at) values(?, ?, ?, ?, ?, ?)",
        (
            tx.now,
            None if setup is None else to_json(setup),
            node,
            tx.now,
            tx.now + lease_s,
            tx.now + CALM_S if guarded else None,
        ),
    )
    assert boot is not None
    tx.run(_LET_OUT, {"now": tx.now, "node": node})
    tx.boot = boot
    tx.begin_writer(boot)
    tx.then(LookAround())
    return Booted(
        boot=boot,
        first=not before,
        clean=not before or bool(before[0][0]),
        guarded=guarded,
        interrupted=(),
        penalties=(),
        moved=moves(tx),
        cooldowns=key_cooldowns(tx),
        at=tx.now,
    )


def renew(tx: Tx, lease_s: float) -> Renewal:
    """The boot may act for so many seconds more. What waits for a task of this boot is woken.

    A boot whose lease has ended is not renewed: LeaseOver. Where the server was away it may be renewed late.
    """
    ends_after = tx.now if tx.steady(lease_s) else float("-inf")
    renewed = tx.run(
        f"update boot set renewed_at = ?, until = ? where id = ? and {ALIVE} and until > ?",
        (tx.now, tx.now + lease_s, tx.boot, ends_after),
    )
    if not renewed.rowcount:
        raise LeaseOver(f"boot {tx.boot}: its lease is over")
    nodes = living(tx)
    (me,), others = (
        [one for one in nodes if one.boot == tx.boot],
        [one for one in nodes if one.boot != tx.boot],
    )
    take_signals(tx)
    _wake_commands(tx, nodes)
    holders = {account: holder_of(tx, account) for account in me.accounts}
    held = tuple(sorted(name for name, boot in holders.items() if boot == tx.boot))
    return Renewal(
        boot=tx.boot,
        at=tx.now,
        others=any(not one.draining for one in others),
        guarded=me.guarded,
        nodes=nodes,
        lapsed=tuple(one.boot for one in others if one.until <= tx.now),
        looks_at=min((one.until for one in others), default=None),
        free=() if me.draining else tuple(sorted(name for name, boot in holders.items() if boot is None)),
        elsewhere=tuple(sorted(name for name, boot in holders.items() if boot not in (None, tx.boot))),
        held=held,
        lanes=open_lanes(tx, set(held)),
        behind=wake_idle(tx, "", nodes),
        released=release(tx) if not me.guarded and home_among(nodes, PAUSED) == tx.boot else 0,
        due=earliest(tx) if home_among(nodes, DEFERRED) == tx.boot else None,
    )


PAGE = 500
"""So many keys are looked at in one transaction: thousands that a boot leaves must not hold up the others."""
_IDLE_KEYS = (
    "select key, (select id from session where session.key = idle.key and ended_at is null) from ("
    "select key from turn indexed by turn_running"
    " where state = 'running' and paused_at is null and key > :behind"
    f" union select key from inbound indexed by inbound_open where {ANY_CLAIMABLE} and key > :behind"
    ") idle where not exists("
    f"select 1 from key_task where key_task.key = idle.key and {IS_OF_THE_LIVING})"
    f" order by key limit {PAGE}"
)
_COMMANDED_KEYS = "select distinct key from inbound where outcome is null and kind = 'command'"


def wake_idle(tx: Tx, behind: str, nodes: Sequence[Node] | None = None) -> str | None:
    """Wake the keys that are at home here, have something to do, and no task of a boot alive: a page of them.

    Args:
        behind: the page begins behind this key.

    Returns the key behind which the next page begins; None: this was the last.
    """
    nodes = living(tx) if nodes is None else nodes
    page = tx.run(_IDLE_KEYS, {"behind": behind}).fetchall()
    for text, session in page:
        if (key := _at_home(tx, nodes, text)) is not None:
            tx.then(WakeKey(key, tx.open_session(text) if session is None else session))
    return page[-1][0] if len(page) == PAGE else None


def _wake_commands(tx: Tx, nodes: Sequence[Node]) -> None:
    """Wake the keys at home here that have unsettled commands."""
    for (text,) in sorted(tx.all(_COMMANDED_KEYS)):
        if (key := _at_home(tx, nodes, text)) is not None:
            tx.then(WakeCommands(key))


def _at_home(tx: Tx, nodes: Sequence[Node], text: str) -> ConversationKey | None:
    """The key of this text, if this boot is its home."""
    key = readable(read_key, text)
    return key if key is not None and home_among(nodes, text, key.account_id) == tx.boot else None


def bury(tx: Tx, boot: int, lease_s: float) -> bool:
    """Another boot is over if its lease has ended. False: it lives, or is over already; or the server was
    away less than so many seconds ago, so that it may not know yet that the server is back.

    Its sessions count an interruption, its calls are in doubt, its accounts free, its processes lost. What it
    ran is taken up by the tasks of its keys, wherever they begin.
    """
    tx.hold_writer(boot)
    if not tx.steady(lease_s):
        return False
    buried = tx.run(
        f"update boot set buried_at = ? where id = ? and id <> ? and {ALIVE} and coalesce(until, 0) <= ?",
        (tx.now, boot, tx.boot, tx.now),
    )
    if not buried.rowcount:
        return False
    _is_over(tx, boot)
    tx.then(LookAround())
    return True


def _is_over(tx: Tx, boot: int) -> None:
    """What this boot had begun is nobody's now."""
    tx.end_writer(boot)
    count_interruptions(tx, boot)
    cut_off(tx, boot)
    tx.run("delete from account_holder where boot = ?", (boot,))
    processes.lose(tx, boot)


def count_interruptions(tx: Tx, boot: int) -> None:
    """Sessions whose turn a boot left running count one more; others that it worked on last count none."""
    running = "select session from turn where state = 'running'"
    tx.run(
        "update session set interrupted = 0 where interrupted > 0"
        f" and id not in ({running})"
        " and (select boot from turn where session = session.id order by id desc limit 1) = ?",
        (boot,),
    )
    tx.run(
        "update session set interrupted = interrupted + 1"
        f" where id in ({running} and paused_at is null and boot = ?)",
        (boot,),
    )


def drain(tx: Tx) -> None:
    """This boot is home to nothing from now on and holds no account: the others take its accounts at once."""
    tx.run("update boot set draining_at = ? where id = ?", (tx.now, tx.boot))
    tx.run("delete from account_holder where boot = ?", (tx.boot,))
    tx.then(LookAround())


def leave(tx: Tx) -> None:
    """The last commit of a boot that shares its store.

    What it left running goes on elsewhere and is not counted; where nobody lives it counts as interrupted.
    """
    others = any(one.boot != tx.boot and not one.draining for one in living(tx))
    clean = tx.one("select 1 from turn where state = 'running' and boot = ?", tx.boot) is None
    if not others:
        count_interruptions(tx, tx.boot)
    processes.lose(tx, tx.boot)
    tx.run("delete from account_holder where boot = ?", (tx.boot,))
    tx.run("update boot set ended_at = ?, clean = ? where id = ?", (tx.now, clean or others, tx.boot))
    tx.end_writer(tx.boot)
    tx.then(LookAround())
