"""Which key is used next, and how long a refused one cools down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from hermes_trio.errors import ModelFailed, ModelFailure
from hermes_trio.values.key_state import Cooldown, KeyCooldown
from hermes_trio.values.views import KeyState, KeyView

Strategy = Literal["fill_first", "round_robin", "least_used", "random"]
"""How the next key is chosen among those that may be used; see `KeyPool`."""

QUOTA_S = 600.0
AUTH_S = 300.0
RATE_S = 60.0
RATE_MAX_S = 900.0
PROBE_S = 30.0
"""Seconds between two tries in a cooldown: of a pool's first key to be ready (see `probe`), and of the
refresh of a dead key (see `looked_at`)."""

COOLS_ALL_MODELS: frozenset[ModelFailure] = frozenset({"quota", "auth"})
"""After these a key cools down for all its models."""

COOLS_DOWN: frozenset[ModelFailure] = COOLS_ALL_MODELS | {"rate_limit", "overload"}
"""After these a key cools down, after those that are not in COOLS_ALL_MODELS only for the model asked."""


def key_view(refused: KeyCooldown, now: float, *, out: int = 0, used_at: float | None = None) -> KeyView:
    """A refused key as the command `keys` shows it at wall time `now`.

    Args:
        out: how many requests are on their way with it.
        used_at: wall time of its last use.
    """
    b = refused.cooldown
    cools = b.since <= now and (b.dead or now < b.until)
    state: KeyState = "ready" if not cools else "dead" if b.dead else "probing" if out else "cooldown"
    return KeyView(
        pool=refused.pool,
        key=refused.place,
        model=refused.model or "*",
        state=state,
        kind=b.kind,
        until=b.until,
        why=b.why,
        used_at=used_at,
    )


def cooldown_after(error: ModelFailed, *, asked_at: float, now: float, before: Cooldown | None) -> Cooldown:
    """The cooldown of a key that was refused.

    Args:
        error: the refusal, of a kind in COOLS_DOWN.
        asked_at: wall time of the request that was refused.
        before: the cooldown that the key has already, for the same model or for all. If the request was on
            its way when that began, its refusal is no news and no further strike.
    """
    if before is not None and asked_at <= before.since <= now:
        told = now + error.retry_after_s if error.retry_after_s is not None else 0.0
        return replace(before, until=max(before.until, told))
    strikes = before.strikes + 1 if before else 1
    cooldown_s = _cooldown_s(error.kind, error.retry_after_s, strikes)
    return Cooldown(error.kind, now, now + cooldown_s, strikes, now, why=error.why)


def _cooldown_s(kind: ModelFailure, retry_after_s: float | None, strikes: int) -> float:
    if kind == "quota":
        return QUOTA_S
    if kind == "auth":
        return AUTH_S
    if retry_after_s is not None:
        return max(1.0, retry_after_s)
    return min(RATE_MAX_S, RATE_S * 2.0 ** min(strikes - 1, 10))


def died(cooldown: Cooldown, now: float) -> Cooldown:
    """The cooldown of a dead key: it was looked up again where it comes from, and there is no other secret.

    At the end of the cooldown it is looked up once more.
    """
    return replace(cooldown, until=max(cooldown.until, now + AUTH_S), tried_at=now, dead=True)


def is_dead(cooldowns: Sequence[Cooldown], now: float) -> bool:
    """Whether one of a key's cooldowns says that the key is dead."""
    return any(b.dead and b.since <= now for b in cooldowns)


def looked_at(cooldowns: Sequence[Cooldown], now: float) -> float:
    """Wall time at which a dead key is looked up again, if no other key is left.

    That is when its cooldown is over, or half a minute after the last look if that is sooner; but a second
    from now at the earliest.
    """
    asked_at = max(b.tried_at for b in cooldowns if b.dead)
    return max(now + 1.0, min(free_at(cooldowns, now), asked_at + PROBE_S))


def free_at(cooldowns: Sequence[Cooldown], now: float) -> float:
    """Wall time at which a key may be used; 0: now.

    A cooldown that begins in the future was written before the wall clock was set back. It does not count.

    Args:
        cooldowns: those of the key that concern the model.
    """
    return max((b.until for b in cooldowns if b.since <= now < b.until), default=0.0)


def probe(pool: Sequence[Sequence[Cooldown]], now: float) -> tuple[int, float] | None:
    """The key to try in spite of its cooldown, and the wall time at which. None: another key may be used, or
    all are dead.

    A cooldown is advice. If all keys that are not dead cool down, the one that is ready first is tried, once
    no key has been tried for half a minute.

    Args:
        pool: for each key, its cooldowns that concern the model.
    """
    alive = [at for at, cooldowns in enumerate(pool) if not is_dead(cooldowns, now)]
    free = {at: free_at(pool[at], now) for at in alive}
    if not alive or min(free.values()) <= now:
        return None
    first = min(alive, key=lambda at: (free[at], at))
    tried_at = max(b.tried_at for at in alive for b in pool[at])
    return first, min(free[first], tried_at + PROBE_S)


def choose(
    strategy: Strategy, usable: Sequence[int], *, uses: Mapping[int, int], last: int, roll: float
) -> int:
    """The position of the key that is used next; what each strategy means stands at `KeyPool`.

    Args:
        usable: the positions of the keys that may be used: at least one, in order.
        last: the position used last; -1: none.
        roll: a random number in [0, 1).
    """
    if strategy == "round_robin":
        return next((position for position in usable if position > last), usable[0])
    if strategy == "least_used":
        return min(usable, key=lambda position: (uses.get(position, 0), position))
    if strategy == "random":
        return usable[int(roll * len(usable))]
    return usable[0]
