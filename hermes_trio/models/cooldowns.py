"""Which key is used next, and how long a refused one rests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec.structs import replace

from hermes_trio.errors import ModelFailure
from hermes_trio.values.key_state import Bench, KeyRest
from hermes_trio.values.views import KeyState, KeyView

Strategy = Literal["fill_first", "round_robin", "least_used", "random"]
"""Which of the keys that may be used is used next; see `KeyPool`."""

QUOTA_S = 600.0
AUTH_S = 300.0
RATE_S = 60.0
RATE_MAX_S = 900.0
PROBE_S = 30.0
"""How often a pool's only key is tried although it rests, and a dead one refreshed where no other is left."""

OF_THE_KEY: frozenset[ModelFailure] = frozenset({"quota", "auth"})
"""These bench a key for all its models."""

OF_A_KEY: frozenset[ModelFailure] = OF_THE_KEY | {"rate_limit", "overload"}
"""These concern a key; the ones that are not in OF_THE_KEY bench it for the model that was asked."""


def shown(rest: KeyRest, now: float, *, out: int = 0, used_at: float | None = None) -> KeyView:
    """A refused key as `keys` shows it at wall time `now`.

    Args:
        out: how many requests are on their way with it.
        used_at: wall time of its last use.
    """
    b = rest.bench
    rests = b.since <= now and (b.dead or now < b.until)
    state: KeyState = "ready" if not rests else "dead" if b.dead else "probing" if out else "resting"
    return KeyView(
        pool=rest.pool,
        key=rest.place,
        model=rest.model or "*",
        state=state,
        kind=b.kind,
        until=b.until,
        used_at=used_at,
    )


def bench(
    kind: ModelFailure, retry_after_s: float | None, *, asked_at: float, now: float, before: Bench | None
) -> Bench:
    """Bench a key that was refused.

    Args:
        kind: what for; one of OF_A_KEY.
        retry_after_s: how long the provider wants us to wait, if it said so.
        asked_at: wall time of the request that was refused.
        now: wall time.
        before: the bench of the same key for the same reason's scope. A request that was on its way when
            that began tells nothing new, so it is no further strike.
    """
    if before is not None and asked_at <= before.since <= now:
        told = now + retry_after_s if retry_after_s is not None else 0.0
        return replace(before, until=max(before.until, told))
    strikes = before.strikes + 1 if before else 1
    return Bench(kind, now, now + _rest_s(kind, retry_after_s, strikes), strikes, now)


def _rest_s(kind: ModelFailure, retry_after_s: float | None, strikes: int) -> float:
    if kind == "quota":
        return QUOTA_S
    if kind == "auth":
        return AUTH_S
    if retry_after_s is not None:
        return max(1.0, retry_after_s)
    return min(RATE_MAX_S, RATE_S * 2.0 ** min(strikes - 1, 10))


def died(rest: Bench, now: float) -> Bench:
    """The bench of a key whose refresh gave no other secret. Another refresh may be worth it at its end."""
    return replace(rest, until=max(rest.until, now + AUTH_S), tried_at=now, dead=True)


def is_dead(benches: Sequence[Bench], now: float) -> bool:
    """Whether one of them is that of a dead key."""
    return any(b.dead and b.since <= now for b in benches)


def looked_at(benches: Sequence[Bench], now: float) -> float:
    """Wall time at which a dead key may have come to life, where no other key is left.

    It is asked for another secret when its rest is over, and half a minute after it was asked last.
    """
    asked_at = max(b.tried_at for b in benches if b.dead)
    return max(now + 1.0, min(free_at(benches, now), asked_at + PROBE_S))


def free_at(benches: Sequence[Bench], now: float) -> float:
    """Wall time at which a key may be used, with all its benches that concern the model; 0: at any time.

    A bench that began in the future was written before the wall clock was set back: it counts no more.
    """
    return max((b.until for b in benches if b.since <= now < b.until), default=0.0)


def probe(pool: Sequence[Sequence[Bench]], now: float) -> tuple[int, float] | None:
    """The key that is tried although it rests, and the wall time at which: None while there is a better one.

    A rest is advice. Where every key that is not dead rests, the one whose rest ends first is tried when
    none has been for half a minute; with one key that is the key.

    Args:
        pool: of each key its benches that concern the model.
    """
    alive = [at for at, benches in enumerate(pool) if not is_dead(benches, now)]
    free = {at: free_at(pool[at], now) for at in alive}
    if not alive or min(free.values()) <= now:
        return None
    first = min(alive, key=lambda at: (free[at], at))
    tried_at = max(b.tried_at for at in alive for b in pool[at])
    return first, min(free[first], tried_at + PROBE_S)


def choose(
    strategy: Strategy, usable: Sequence[int], *, uses: Mapping[int, int], last: int, roll: float
) -> int:
    """Pick one of the usable keys' positions (at least one, in order).

    Args:
        strategy: "fill_first": the first; "round_robin": the one after the last used; "least_used": the one
            with the fewest uses, the first of these; "random": by the roll.
        usable: positions.
        uses: how often each was used.
        last: position used last, -1 for none.
        roll: in [0, 1).
    """
    if strategy == "round_robin":
        return next((position for position in usable if position > last), usable[0])
    if strategy == "least_used":
        return min(usable, key=lambda position: (uses.get(position, 0), position))
    if strategy == "random":
        return usable[int(roll * len(usable))]
    return usable[0]
