"""Which boots are over: they write nothing any more, and what they began is for others to take up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from msgspec import Raw, Struct
from msgspec.json import Decoder

from hermes_trio.errors import LeaseOver, StaleTurn
from hermes_trio.store.tx import Tx, readable
from hermes_trio.values.nodes import Node

ALIVE = "ended_at is null and buried_at is null"
"""The condition that a boot is not over."""
IS_OF_THE_LIVING = f"boot in (select id from boot where {ALIVE})"
"""The condition that a row's boot is not over, in a store that is shared."""


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


def fence(tx: Tx) -> None:
    """A boot that is over writes nothing into a shared store: LeaseOver."""
    if tx.boot and tx.one(f"select 1 from boot where id = ? and {ALIVE}", tx.boot) is None:
        raise LeaseOver(f"boot {tx.boot} is over")


def living(tx: Tx) -> tuple[Node, ...]:
    """The boots that are not over."""
    return tuple(
        Node(
            boot=boot,
            name=name or "",
            since=since,
            until=until or 0.0,
            draining=draining is not None,
            guarded=calm_at is not None and calm_at > tx.now,
            accounts=_accounts(setup),
        )
        for boot, name, since, until, draining, calm_at, setup in tx.all(
            "select id, node, started_at, until, draining_at, calm_at, setup from boot"
            f" where {ALIVE} order by id"
        )
    )


class _Serves(Struct):
    accounts: Mapping[str, Raw] = {}


_read_serves = Decoder(_Serves).decode


@lru_cache(64)
def _accounts(setup: bytes | None) -> frozenset[str]:
    found = readable(_read_serves, setup)
    return frozenset(found.accounts if found is not None else ())
