"""Keys to models: which is used next, what a refusal does to it, and where to go when none is left.

A refusal that concerns a key (used up, refused, limited, overloaded) moves on to the next key and spends no
retry; retries are for what concerns no key. When a model has no way left the next candidate is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import trio
from msgspec import Struct
from msgspec.structs import replace

from hermes_trio.entries import ModelAnswer, ModelRequest
from hermes_trio.errors import ModelFailed, ModelFailure, NoCredentials
from hermes_trio.log import Log, standard_log
from hermes_trio.ports import Chance, Model, WallClock
from hermes_trio.pure.backoff import full_jitter
from hermes_trio.pure.keypool import OF_A_KEY, OF_THE_KEY, Bench, Strategy, bench, choose, free_at
from hermes_trio.values import Secret

ATTEMPTS = 3
"""Tries of one request at one model, of those that failed through no fault of a key."""

BACKOFF_MAX_S = 8.0
GIVEN_UP_AT_ONCE: frozenset[ModelFailure] = frozenset({"context", "malformed"})
"""No other key or model helps: the request itself is at fault."""


class Lease(Struct, frozen=True):
    """A key for one request. Settle it: `worked`, `refused`, or `returned` when the provider said nothing."""

    position: int
    key: Secret
    model: str
    asked_at: float
    benches: dict[str | None, Bench]


class KeyPool:
    """The keys of one account with a provider, and what is known of each. Nothing here waits.

    Args:
        keys: in order. Empty ones and repetitions are left out.
        strategy: see `choose`.
        clock: cooldowns are in wall time.
        chance: for "random".
        log: gets `key cooled down`; keys are named by their position.
    """

    def __init__(
        self,
        keys: Sequence[Secret],
        strategy: Strategy = "fill_first",
        *,
        clock: WallClock,
        chance: Chance,
        log: Log | None = None,
    ) -> None:
        self._keys = [key for key in dict.fromkeys(keys) if key.reveal().strip()]
        self._strategy = strategy
        self._clock = clock
        self._chance = chance
        self._log = log or standard_log()
        self._benches: dict[tuple[int, str | None], Bench] = {}
        self._uses: dict[int, int] = {}
        self._last = -1

    def __len__(self) -> int:
        return len(self._keys)

    def take(self, model: str, tried: Collection[int] = ()) -> Lease | None:
        """The next key for a model; None while none may be used.

        Args:
            model: its name.
            tried: positions this request has tried already.
        """
        now = self._clock.now()
        usable = [i for i in range(len(self._keys)) if i not in tried and self._free_at(i, model, now) <= now]
        if not usable:
            return None
        position = choose(
            self._strategy, usable, uses=self._uses, last=self._last, roll=self._chance.random()
        )
        self._last = position
        self._uses[position] = self._uses.get(position, 0) + 1
        benches = self._benches_of(position, model)
        for scope, rest in benches.items():
            self._benches[position, scope] = replace(rest, tried_at=now)
        return Lease(position, self._keys[position], model, now, benches)

    def worked(self, lease: Lease) -> None:
        """The provider answered: the key rests no longer."""
        for scope in (None, lease.model):
            self._benches.pop((lease.position, scope), None)

    def refused(self, lease: Lease, error: ModelFailed) -> None:
        """The provider refused the key for this model, or for all."""
        scope = None if error.kind in OF_THE_KEY else lease.model
        rest = bench(
            error.kind,
            error.retry_after_s,
            asked_at=lease.asked_at,
            now=self._clock.now(),
            before=self._benches.get((lease.position, scope)),
        )
        self._benches[lease.position, scope] = rest
        self._log.warning(
            "key cooled down",
            key=f"{lease.position + 1}/{len(self._keys)}",
            model=lease.model if scope else "*",
            kind=error.kind,
            until=rest.until,
        )

    def returned(self, lease: Lease) -> None:
        """The provider did not say anything about the key: nothing was learned."""
        for scope, rest in lease.benches.items():
            if (now_is := self._benches.get((lease.position, scope))) and now_is.since == rest.since:
                self._benches[lease.position, scope] = rest

    def unavailable(self, model: str) -> NoCredentials:
        """The error that says from when on a key may be used again, and why not now."""
        now = self._clock.now()
        if not self._keys:
            return NoCredentials(None)
        until = min(self._free_at(position, model, now) for position in range(len(self._keys)))
        benches = [b for i in range(len(self._keys)) for b in self._benches_of(i, model).values()]
        latest = max(benches, key=lambda b: b.since, default=None)
        return NoCredentials(max(until, now), latest.kind if latest else "auth")

    def _benches_of(self, position: int, model: str) -> dict[str | None, Bench]:
        scopes = (None, model)
        return {s: self._benches[position, s] for s in scopes if (position, s) in self._benches}

    def _free_at(self, position: int, model: str, now: float) -> float:
        benches = list(self._benches_of(position, model).values())
        return free_at(benches, now=now, lone=len(self._keys) == 1)


class Candidate(Struct, frozen=True):
    """A model and the keys to it; no pool for a model that needs no key."""

    model: Model
    pool: KeyPool | None = None


class Candidates:
    """The models that may answer, in the order they are asked.

    Args:
        candidates: at least one. Those of one account share a pool.
        chance: for the jitter of retries.
        log: gets `pool empty`.
    """

    def __init__(self, candidates: Sequence[Candidate], *, chance: Chance, log: Log | None = None) -> None:
        if not candidates:
            raise ValueError("a gateway without a model")
        self.all = tuple(candidates)
        self.chance = chance
        self.log = log or standard_log()

    def walk(self) -> Walk:
        """Begin a turn's walk along the list."""
        return Walk(self)


class Walk:
    """One turn's walk along the candidates: it goes on, never back, so each is given up at most once."""

    def __init__(self, candidates: Candidates) -> None:
        self._candidates = candidates
        self._at = 0
        self._failures: list[ModelFailed | NoCredentials] = []

    @property
    def model(self) -> Model:
        """The model that is asked next."""
        return self._candidates.all[self._at].model

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None], *, on_restart: Callable[[], None]
    ) -> ModelAnswer:
        """Ask until a model answers.

        Args:
            request: what to ask.
            on_text: called synchronously with each piece of the answer, in order.
            on_restart: called synchronously when an answer begins anew after pieces of it were handed out:
                they are void.

        Cancelled: the call has ended, no key is blamed.

        Raises:
            ModelFailed: the request is at fault, or a model could not be reached or made to answer.
            NoCredentials: no key to any model may be used; with the earliest time one may.
        """
        hand_out = _HandOut(on_text, on_restart)
        while True:
            candidate = self._candidates.all[self._at]
            try:
                return await self._ask(candidate, request, hand_out)
            except (ModelFailed, NoCredentials) as error:
                if isinstance(error, ModelFailed) and error.kind in GIVEN_UP_AT_ONCE:
                    raise
                self._failures.append(error)
                if self._at + 1 == len(self._candidates.all):
                    raise self._verdict()  # noqa: B904
                self._at += 1

    async def _ask(self, candidate: Candidate, request: ModelRequest, hand_out: _HandOut) -> ModelAnswer:
        tried: set[int] = set()
        failed = 0
        while True:
            try:
                return await self._ask_once(candidate, tried, request, hand_out)
            except ModelFailed as error:
                if candidate.pool is not None and error.kind in OF_A_KEY:
                    continue
                failed += 1
                if error.kind in GIVEN_UP_AT_ONCE or failed == ATTEMPTS or error.status == 404:
                    raise
            chance = self._candidates.chance.random()
            await trio.sleep(full_jitter(failed - 1, chance, cap_s=BACKOFF_MAX_S))

    async def _ask_once(
        self, candidate: Candidate, tried: set[int], request: ModelRequest, hand_out: _HandOut
    ) -> ModelAnswer:
        model, pool = candidate.model, candidate.pool
        hand_out.begin()
        if pool is None:
            if model.needs_key:
                raise NoCredentials(None)
            return _not_nothing(await model.complete(request, key="", on_text=hand_out.take))
        lease = pool.take(model.name, tried)
        if lease is None:
            raise self._said(pool.unavailable(model.name), model)
        try:
            answer = await model.complete(request, key=lease.key.reveal(), on_text=hand_out.take)
            answer = _not_nothing(answer)
        except ModelFailed as error:
            if error.kind in OF_A_KEY:
                tried.add(lease.position)
                pool.refused(lease, error)
            else:
                pool.returned(lease)
            raise
        except BaseException:
            pool.returned(lease)
            raise
        pool.worked(lease)
        return answer

    def _said(self, error: NoCredentials, model: Model) -> NoCredentials:
        self._candidates.log.warning("pool empty", model=model.name, kind=error.kind, until=error.until)
        return error

    def _verdict(self) -> ModelFailed | NoCredentials:
        for error in reversed(self._failures):
            if isinstance(error, ModelFailed):
                return error
        refusals = [error for error in self._failures if isinstance(error, NoCredentials)]
        times = [error.until for error in refusals if error.until is not None]
        return NoCredentials(min(times, default=None), refusals[-1].kind)


class _HandOut:
    """Hands pieces of text on, and says when those handed out are void."""

    def __init__(self, on_text: Callable[[str], None], on_restart: Callable[[], None]) -> None:
        self._on_text = on_text
        self._on_restart = on_restart
        self._some = False

    def begin(self) -> None:
        if self._some:
            self._some = False
            self._on_restart()

    def take(self, text: str) -> None:
        self._some = True
        self._on_text(text)


def _not_nothing(answer: ModelAnswer) -> ModelAnswer:
    if answer.finish == "partial" and not answer.text:
        raise ModelFailed("transport", "the answer ended before it began")
    return answer
