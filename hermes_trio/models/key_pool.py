"""The keys of one account with a provider: which is used next, and which cool down, are dead, are on trial.

What is known of a key is filed under a fingerprint of its secret, so a new secret is a fresh key. The pool
itself stores nothing. `cooldown_keeper.py` carries what it knows over a restart, as advice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from math import inf

import trio
from msgspec import Struct
from msgspec.structs import replace

from hermes_trio.errors import HermesError, ModelFailed, ModelFailure, NoCredentials
from hermes_trio.models.cooldowns import (
    COOLS_ALL_MODELS,
    PROBE_S,
    Strategy,
    choose,
    cooldown_after,
    died,
    free_at,
    is_dead,
    key_view,
    looked_at,
    probe,
)
from hermes_trio.ports.model import RefreshingKey
from hermes_trio.ports.system import Chance, Log, WallClock
from hermes_trio.runtime.log import standard_log
from hermes_trio.runtime.supervise import attempt
from hermes_trio.text.foreign_errors import said_by
from hermes_trio.values.identity import Secret
from hermes_trio.values.key_state import Cooldown, KeyCooldown
from hermes_trio.values.views import FailingModel, KeyView

REFRESH_S = 30.0
"""How long a key may take to be refreshed."""

ALL = ""
"""The scope of a cooldown that holds for all models."""


class Lease(Struct, frozen=True):
    """A key for one request. Settle it: `worked`, `refused`, or `returned` when the provider said nothing.

    Args:
        position: of the key in its pool, from 0.
        asked_at: wall time.
        began: the same as loop time, which tells whether a refresh came later.
    """

    position: int
    key: Secret
    fingerprint: str
    model: str
    asked_at: float
    began: float
    cooldowns: dict[str, Cooldown]


class _PoolKey:
    """One key of a pool."""

    def __init__(self, position: int, key: Secret | RefreshingKey) -> None:
        self.position = position
        self.source = None if isinstance(key, Secret) else key
        self.secret = key if isinstance(key, Secret) else key.secret
        self.fingerprint = ""
        self.refreshing = trio.Lock()
        self.refreshed_at = float("-inf")
        self.out = 0
        self.uses = 0
        self.used_at: float | None = None


class KeyPool:
    """The keys of one account with a provider, and what is known of each.

    Args:
        keys: in order; secrets, or keys that can be refreshed. Empty ones and repetitions are left out.
        strategy: of the keys that may be used: "fill_first" the first, "round_robin" the one after the last
            used, "least_used" the one this life has used least, "random" any.
        name: of the account, for status and log. The same secret in a pool of another name is another key.
        clock: cooldowns are in wall time.
        chance: for "random".
        log: gets `key cooled down` and its kin; keys are named by their position.
    """

    def __init__(
        self,
        keys: Sequence[Secret | RefreshingKey],
        strategy: Strategy = "fill_first",
        *,
        name: str = "",
        clock: WallClock,
        chance: Chance,
        log: Log | None = None,
    ) -> None:
        self.name = name
        self._keys: list[_PoolKey] = []
        for key in (_PoolKey(0, one) for one in keys):
            if key.secret.reveal().strip() and key.secret not in [one.secret for one in self._keys]:
                key.position, key.fingerprint = len(self._keys), self._fingerprint(key.secret)
                self._keys.append(key)
        self._strategy = strategy
        self._clock = clock
        self._chance = chance
        self._log = log or standard_log()
        self._cooldowns: dict[tuple[str, str], Cooldown] = {}
        self._last = -1
        self._watchers: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._keys)

    # -- for a request

    async def lease(self, model: str, tried: Collection[int] = ()) -> Lease | None:
        """The next key for a model, as `take`. Before that, dead keys are refreshed when it is time.

        That is when its cooldown of five minutes is over, or 30 s after the last refresh if no other key is
        left. Cancelled: nothing was taken.
        """
        now = self._clock.now()
        for key, cooldown in self._dead(now):
            if cooldown.until <= now:
                await self._refresh(key, key.secret, "auth", trio.current_time())
        found = self.take(model, tried)
        if found is not None:
            return found
        for key, cooldown in self._dead(now):
            if cooldown.tried_at + PROBE_S <= now:
                await self._refresh(key, key.secret, "auth", trio.current_time())
        return self.take(model, tried)

    def take(self, model: str, tried: Collection[int] = ()) -> Lease | None:
        """The next key for a model; None while none may be used.

        Args:
            tried: positions this request has tried already.
        """
        now = self._clock.now()
        free = self._free_at(model, now)
        usable = [at for at, free_at in enumerate(free) if at not in tried and free_at <= now]
        if not usable:
            return None
        key = self._keys[self._chosen(usable)]
        self._last, key.used_at = key.position, now
        key.uses, key.out = key.uses + 1, key.out + 1
        cooldowns = self._cooldowns_of(key.fingerprint, model)
        for scope, cooldown in cooldowns.items():
            self._put(key.fingerprint, scope, replace(cooldown, tried_at=now))
        began = trio.current_time()
        return Lease(key.position, key.secret, key.fingerprint, model, now, began, cooldowns)

    def has_another(self, lease: Lease, tried: Collection[int]) -> bool:
        """Whether a key beside the leased one, and beside those tried, may be used for its model now."""
        now = self._clock.now()
        free = self._free_at(lease.model, now)
        return any(at not in tried and at != lease.position and free[at] <= now for at in range(len(free)))

    def _chosen(self, usable: Sequence[int]) -> int:
        if self._strategy == "fill_first":
            return usable[0]
        uses = {key.position: key.uses for key in self._keys}
        return choose(self._strategy, usable, uses=uses, last=self._last, roll=self._chance.random())

    def worked(self, lease: Lease) -> None:
        """The provider answered: its cooldown is over."""
        self._keys[lease.position].out -= 1
        for scope in (ALL, lease.model):
            self._put(lease.fingerprint, scope, None)

    def refused(self, lease: Lease, error: ModelFailed) -> None:
        """The provider refused the key for this model, or for all."""
        key = self._keys[lease.position]
        key.out -= 1
        if key.fingerprint != lease.fingerprint:
            return  # it has another secret already, of which this says nothing
        scope = ALL if error.kind in COOLS_ALL_MODELS else lease.model
        cooldown = cooldown_after(
            error,
            asked_at=lease.asked_at,
            now=self._clock.now(),
            before=self._cooldowns.get((lease.fingerprint, scope)),
        )
        self._put(lease.fingerprint, scope, cooldown)
        self._log.warning(
            "key cooled down",
            key=self._place(lease.position),
            model=lease.model if scope else "*",
            kind=error.kind,
            until=cooldown.until,
            why=error.why,
        )

    async def renewed(self, lease: Lease, kind: ModelFailure) -> bool:
        """Whether the key of a refused lease has another secret by now. If it was not refreshed since, it is.

        One request refreshes it, and the others wait; if that one is cancelled the next one does it. A key
        that was refused for "auth" is dead if the refresh fails or gives the refused secret again.
        """
        key = self._keys[lease.position]
        if kind in COOLS_ALL_MODELS:
            await self._refresh(key, lease.key, kind, lease.began)
        return key.secret != lease.key

    def returned(self, lease: Lease) -> None:
        """Give the key back: the provider said nothing about it, so nothing was learned."""
        self._keys[lease.position].out -= 1
        for scope, cooldown in lease.cooldowns.items():
            now_is = self._cooldowns.get((lease.fingerprint, scope))
            if now_is is not None and now_is.since == cooldown.since:
                self._put(lease.fingerprint, scope, cooldown)

    def unavailable(self, model: str) -> NoCredentials:
        """The error that says from when on a key may be used again, and why not now."""
        now = self._clock.now()
        if not self._keys:
            return NoCredentials(None, why="no key is configured")
        until = min(self._free_at(model, now))
        latest = self._latest(model)
        ready_at = min(map(partial(self._cooldown_ends_at, model=model, now=now), self._keys))
        kind, why = (latest.kind, latest.why) if latest else ("auth", "")
        return NoCredentials(max(until, now), kind, cooldown_until=max(ready_at, now), why=why)

    def failing(self, model: str) -> FailingModel | None:
        """The newest refusal of a key for this model, if none may be used for it now."""
        now, latest = self._clock.now(), self._latest(model)
        if latest is None or min(self._free_at(model, now)) <= now:
            return None
        return FailingModel(name=model, kind=latest.kind, why=latest.why, s_ago=max(0.0, now - latest.since))

    def _latest(self, model: str) -> Cooldown | None:
        cooldowns = [b for key in self._keys for b in self._cooldowns_of(key.fingerprint, model).values()]
        return max(cooldowns, key=lambda b: b.since, default=None)

    def _cooldown_ends_at(self, key: _PoolKey, *, model: str, now: float) -> float:
        """Wall time at which the key's cooldowns end; infinity for a dead key."""
        cooldowns = list(self._cooldowns_of(key.fingerprint, model).values())
        return inf if is_dead(cooldowns, now) else free_at(cooldowns, now)

    # -- for whoever keeps and shows what is known

    def cooldowns(self) -> dict[tuple[str, str], KeyCooldown]:
        """What is known of the keys that were refused, by fingerprint and scope."""
        return {
            at: KeyCooldown(
                fingerprint=at[0],
                model=at[1],
                pool=self.name,
                place=self._place(key.position),
                cooldown=cooldown,
            )
            for key in self._keys
            for at, cooldown in self._cooldowns.items()
            if at[0] == key.fingerprint
        }

    def recall(self, cooldowns: Sequence[KeyCooldown]) -> None:
        """Take over what an earlier boot knew of these keys. A dead key gets another try."""
        mine = {key.fingerprint for key in self._keys}
        for one in cooldowns:
            if one.fingerprint in mine:
                self._put(one.fingerprint, one.model, replace(one.cooldown, dead=False))

    @contextmanager
    def watched(self, changed: Callable[[], None]) -> Iterator[None]:
        """While the body runs, call `changed`, synchronously, when what `cooldowns` returns has changed."""
        self._watchers.append(changed)
        try:
            yield
        finally:
            self._watchers.remove(changed)

    def views(self) -> Sequence[KeyView]:
        """A row for each key, or for each of the scopes that it cools down for."""
        now, cooldowns = self._clock.now(), self.cooldowns()
        return [view for key in self._keys for view in self._views(key, now, cooldowns)]

    def _views(
        self, key: _PoolKey, now: float, cooldowns: Mapping[tuple[str, str], KeyCooldown]
    ) -> list[KeyView]:
        mine = [cooldown for at, cooldown in cooldowns.items() if at[0] == key.fingerprint]
        views = [key_view(cooldown, now, out=key.out, used_at=key.used_at) for cooldown in mine]
        ready = KeyView(pool=self.name, key=self._place(key.position), state="ready", used_at=key.used_at)
        return [view for view in views if view.state != "ready"] or [ready]

    # -- inside

    async def _refresh(self, key: _PoolKey, refused: Secret, kind: ModelFailure, since: float) -> None:
        """Have the key refreshed, unless that has happened since."""
        if key.source is None:
            return
        source = key.source
        async with key.refreshing:
            if key.refreshed_at >= since:
                return
            secret, error = None, None
            with trio.move_on_after(REFRESH_S):
                secret, error = await attempt(lambda: source.refresh(refused, kind))
            key.refreshed_at = trio.current_time()
            place = self._place(key.position)
            if secret is not None and secret.reveal().strip() and secret != refused:
                self._replace(key, secret)
                self._log.info("key renewed", key=place)
            elif kind == "auth":
                cooldown = self._cooldowns.get((key.fingerprint, ALL))
                if cooldown is not None:
                    self._put(key.fingerprint, ALL, died(cooldown, self._clock.now()))
                self._log.warning("key dead", key=place, why=_why(secret, error))

    def _replace(self, key: _PoolKey, secret: Secret) -> None:
        for fingerprint, scope in list(self._cooldowns):
            if fingerprint == key.fingerprint:
                self._put(fingerprint, scope, None)
        key.secret, key.fingerprint = secret, self._fingerprint(secret)

    def _put(self, fingerprint: str, scope: str, cooldown: Cooldown | None) -> None:
        at = (fingerprint, scope)
        if self._cooldowns.get(at) == cooldown:
            return
        if cooldown is None:
            del self._cooldowns[at]
        else:
            self._cooldowns[at] = cooldown
        for changed in self._watchers:
            changed()

    def _cooldowns_of(self, fingerprint: str, model: str) -> dict[str, Cooldown]:
        scopes = (ALL, model)
        return {s: self._cooldowns[fingerprint, s] for s in scopes if (fingerprint, s) in self._cooldowns}

    def _dead(self, now: float) -> list[tuple[_PoolKey, Cooldown]]:
        found = [(key, self._cooldowns.get((key.fingerprint, ALL))) for key in self._keys]
        return [
            (key, cooldown) for key, cooldown in found if cooldown is not None and is_dead([cooldown], now)
        ]

    def _free_at(self, model: str, now: float) -> list[float]:
        """Of each key the wall time at which it may be used; a dead key waits for its refresh."""
        if not self._cooldowns:
            return [0.0] * len(self._keys)
        pool = [list(self._cooldowns_of(key.fingerprint, model).values()) for key in self._keys]
        free = [
            looked_at(cooldowns, now) if is_dead(cooldowns, now) else free_at(cooldowns, now)
            for cooldowns in pool
        ]
        probed = probe(pool, now)
        if probed is not None:
            free[probed[0]] = probed[1]
        return free

    def _place(self, position: int) -> str:
        return f"{position + 1}/{len(self._keys)}"

    def _fingerprint(self, secret: Secret) -> str:
        key = blake2b(self.name.encode(), digest_size=32).digest()
        return blake2b(secret.reveal().encode("utf-8", "replace"), key=key, digest_size=8).hexdigest()


def _why(secret: Secret | None, error: Exception | None) -> str:
    """Why a key is dead. Only an error of ours is quoted: what others say may hold what they were given."""
    if error is None:
        return "no secret" if secret is None else "same secret"
    return said_by(error) if isinstance(error, HermesError) else type(error).__name__
