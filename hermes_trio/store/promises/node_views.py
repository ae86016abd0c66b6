"""Who shares a store, as operators are shown it: each boot that is not over, and what it holds."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hermes_trio.store.promises.alive import ALIVE
from hermes_trio.store.promises.operator_rows import view_of
from hermes_trio.store.tx import Tx
from hermes_trio.values.views import NodeView

_NODES = (
    "select id as boot, coalesce(node, '') as name, started_at as since,"
    " coalesce(renewed_at, started_at) as renewed_at, until, draining_at is not null as draining,"
    " (select count(*) from turn indexed by turn_running"
    "  where turn.boot = boot.id and turn.state = 'running') as turns,"
    " (select count(*) from process indexed by process_running"
    "  where process.boot = boot.id and process.state = 'running') as processes"
    f" from boot where {ALIVE} and until is not null order by id"
)


def nodes(tx: Tx) -> list[NodeView]:
    """The boots that are not over. None in a store that is not shared."""
    held = defaultdict(list)
    for account, boot in tx.all("select account, boot from account_holder order by account"):
        held[boot].append(account)
    return [_node(tx, row, tuple(held[row["boot"]])) for row in tx.named(_NODES)]


def _node(tx: Tx, row: dict[str, Any], accounts: tuple[str, ...]) -> NodeView:
    until = row.pop("until")
    more = {
        "lease_left_s": until - tx.now if isinstance(until, int | float) else 0.0,
        "draining": bool(row["draining"]),
        "accounts": accounts,
    }
    return view_of(NodeView, **row | more)
