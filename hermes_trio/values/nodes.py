"""What the boots that share a store know of one another. Times are those of the store's clock."""

from __future__ import annotations

from msgspec import Struct

from hermes_trio.values.identity import Lane

LEASE_S = 15.0
"""How long a boot may act without renewing its lease, where nothing else is configured."""
MARGIN_S = 3.0
"""A boot ends its acts so long before its lease: TERM's grace, and what a stall may take."""
LEASE_MIN_S = 2 * MARGIN_S
"""Less would leave a boot no time between a renewal and the end of its acts."""


class Node(Struct, frozen=True, kw_only=True):
    """A boot that is not over.

    Args:
        name: of its node.
        since, until: when it began; when its lease ends.
        draining: it opens no turn and takes no account any more.
        guarded: lives of its node before it ended badly, and it has not lasted yet.
        accounts: those that it can serve.
    """

    boot: int
    name: str
    since: float
    until: float
    draining: bool
    guarded: bool
    accounts: frozenset[str]


class Renewal(Struct, frozen=True, kw_only=True):
    """What a boot finds when it renews its lease.

    Args:
        boot: whose lease it is; at: when it was renewed.
        others: another boot lives and does not drain.
        guarded: this boot has not lasted yet, see `Node`.
        nodes: the boots that are not over, this one among them.
        lapsed: boots whose lease has ended: they are to be buried.
        looks_at: when the next lease of another ends; None: there is no other.
        free: accounts of this boot that no boot alive holds.
        held, elsewhere: accounts that this boot holds, and those of its own that another does.
        lanes: of the accounts that it holds, those with something to say.
        behind: behind which key there may be more that are idle; None: all that are at home here were woken.
        released: so many paused turns go on, now that a boot lives that has lasted.
        due: when deferred messages are to be looked at, if it is for this boot to do; else None.
    """

    boot: int
    at: float
    others: bool
    guarded: bool
    nodes: tuple[Node, ...]
    lapsed: tuple[int, ...]
    looks_at: float | None
    free: tuple[str, ...]
    held: tuple[str, ...]
    elsewhere: tuple[str, ...]
    lanes: tuple[Lane, ...]
    behind: str | None
    released: int
    due: float | None


class Held(Struct, frozen=True):
    """An account that this boot holds from now on: its committed position, and the penalties of its chats."""

    cursor: str | None
    penalties: tuple[tuple[str, str, float], ...]
