"""The models that may answer, and a turn's way along them: keys, retries, fallbacks.

After a refusal that concerns the key (used up, refused, limited, overloaded) the next key is taken, and no
retry is spent. Retries are for other failures. When no key and no retry is left, the next candidate is asked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

import trio
from msgspec import Struct

from hermes_trio.errors import AgentError, ModelFailed, ModelFailure, NoCredentials
from hermes_trio.models.cooldowns import COOLS_DOWN
from hermes_trio.models.key_pool import KeyPool, Lease
from hermes_trio.ports.model import Model, SpellingModel
from hermes_trio.ports.system import Chance, Log
from hermes_trio.runtime import wrong_parts
from hermes_trio.runtime.backoff import backoff_s
from hermes_trio.runtime.log import standard_log
from hermes_trio.values.transcript import ModelAnswer, ModelRequest, Spell
from hermes_trio.values.views import FailingModel

ATTEMPTS = 3
"""How often one request may fail at one model. Refusals that concern a key do not count."""

BACKOFF_MAX_S = 8.0
PATIENCE_S = 8.0
"""How long one model may give nothing, all its tries together, before the next candidate is asked."""

GIVEN_UP_AT_ONCE: frozenset[ModelFailure] = frozenset({"context", "malformed"})
"""No other key or model helps: the request itself is at fault."""


async def at_any_time() -> None:
    """A model may always be asked."""


class Candidate(Struct, frozen=True):
    """A model, and the keys it is asked with.

    Args:
        pool: of the account that pays for it; None for a model that needs no key.
    """

    model: Model
    pool: KeyPool | None = None


class Candidates:
    """The models that may answer, in the order they are asked.

    Args:
        candidates: at least one. Those of one account share a pool.
        on_exhausted: what happens while no key may be used. "wait": the message waits for one up to two
            minutes, and if it takes longer the user is told. "tell": the user is told at once. "defer": the
            message waits until a key may be used.
        chance: for the jitter of retries.
        log: gets `pool empty`.

    Attributes:
        pools: each pool once, for the gateway that keeps and shows what they know.
        spells: how the models' services spell a conversation; none where one of them takes it as entries.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        *,
        on_exhausted: Literal["wait", "tell", "defer"] = "wait",
        chance: Chance,
        log: Log | None = None,
    ) -> None:
        wrong_parts.members("Candidates: candidates", candidates, ("model", "pool"), "Candidate")
        if not candidates:
            raise AgentError("Candidates: candidates has at least one")
        self.all = tuple(candidates)
        self.pools = tuple(dict.fromkeys(one.pool for one in candidates if one.pool is not None))
        models = [one.model for one in candidates]
        spells = [one.spell if isinstance(one, SpellingModel) else None for one in models]
        self.spells: tuple[Spell, ...] = () if None in spells else tuple(dict.fromkeys(filter(None, spells)))
        self.on_exhausted = on_exhausted
        self.chance = chance
        self.log = log or standard_log()
        self._failed: dict[int, _Failed] = {}

    def failing(self) -> Sequence[FailingModel]:
        """The models whose last call failed for a reason that is not one conversation's, also in an earlier
        life if no key to them may be used yet."""
        return [one for at in range(len(self.all)) if (one := self._failing(at)) is not None]

    def _failing(self, at: int) -> FailingModel | None:
        model, pool = self.all[at].model, self.all[at].pool
        if (failed := self._failed.get(at)) is None:
            return pool.failing(model.name) if pool is not None else None
        s_ago = trio.current_time() - failed.at
        return FailingModel(name=model.name, kind=failed.kind, why=failed.why, s_ago=s_ago)

    def failed(self, at: int, error: ModelFailed) -> None:
        """Note that a call of the candidate at this place failed."""
        if error.kind not in GIVEN_UP_AT_ONCE or _moved(error):
            self._failed[at] = _Failed(error.kind, error.why, trio.current_time())

    def worked(self, at: int) -> None:
        """Note that the candidate at this place answered."""
        self._failed.pop(at, None)

    def walk(self, may_ask: Callable[[], Awaitable[None]] = at_any_time) -> Walk:
        """Begin a turn's walk along the list.

        Args:
            may_ask: called right before each call of a model; returns if it may be made.
        """
        return Walk(self, may_ask)


class _Failed(Struct, frozen=True):
    kind: ModelFailure
    why: str
    at: float


class Walk:
    """One turn's way along the candidates. It never goes back, so each is given up at most once."""

    def __init__(self, candidates: Candidates, may_ask: Callable[[], Awaitable[None]]) -> None:
        self._candidates = candidates
        self._may_ask = may_ask
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
            on_restart: called synchronously when the answer begins anew: the pieces before are void.

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
                    raise self._final_error()  # noqa: B904
                self._at += 1

    async def _ask(self, candidate: Candidate, request: ModelRequest, hand_out: _HandOut) -> ModelAnswer:
        tried, failed = _Tried(), 0
        alone, began = candidate is self._candidates.all[-1], trio.current_time()
        while True:
            patient = alone and failed + 1 < ATTEMPTS
            try:
                answer = await self._ask_once(candidate, tried, request, hand_out, patient=patient)
            except ModelFailed as error:
                self._candidates.failed(self._at, error)
                if candidate.pool is not None and error.kind in COOLS_DOWN:
                    continue
                failed += 1
                if error.kind in GIVEN_UP_AT_ONCE or failed == ATTEMPTS or error.status == 404:
                    raise
                if not alone and not hand_out.some and trio.current_time() - began > PATIENCE_S:
                    raise
            else:
                self._candidates.worked(self._at)
                return answer
            chance = self._candidates.chance.random()
            await trio.sleep(backoff_s(failed - 1, chance, cap_s=BACKOFF_MAX_S))

    async def _ask_once(
        self,
        candidate: Candidate,
        tried: _Tried,
        request: ModelRequest,
        hand_out: _HandOut,
        *,
        patient: bool,
    ) -> ModelAnswer:
        model, pool = candidate.model, candidate.pool
        hand_out.begin()
        if pool is None:
            if model.needs_key:
                raise NoCredentials(None)
            await self._may_ask()
            return _not_nothing(await model.complete(request, key="", on_text=hand_out.take))
        lease = await pool.lease(model.name, tried.keys)
        if lease is None:
            raise self._said(pool.unavailable(model.name), model)
        try:
            await self._may_ask()
            answer = await model.complete(request, key=lease.key.reveal(), on_text=hand_out.take)
            answer = _not_nothing(answer)
        except ModelFailed as error:
            if patient and _passes_soon(error) and not pool.has_another(lease, tried.keys):
                pool.returned(lease)
                # No other key or model is left to ask: it counts as an outage, and is tried again.
                raise ModelFailed("transport", error.why, status=error.status) from error
            if error.kind in COOLS_DOWN:
                pool.refused(lease, error)
                await tried.refused(pool, lease, error.kind)
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

    def _final_error(self) -> ModelFailed | NoCredentials:
        """The error that the whole walk ends with.

        If messages are kept until a key may be used, and there is such a time, that is NoCredentials with it.
        Otherwise it is the last failure of a model, if one failed.
        """
        way = self._candidates.on_exhausted
        refusals = [error for error in self._failures if isinstance(error, NoCredentials)]
        until = min((error.until for error in refusals if error.until is not None), default=None)
        if until is None or way == "tell":
            for error in reversed(self._failures):
                if isinstance(error, ModelFailed):
                    return error
        ready_at = min(
            (error.cooldown_until for error in refusals if error.cooldown_until is not None), default=None
        )
        ready_at = ready_at if way == "wait" else None
        last = refusals[-1]
        return NoCredentials(until, last.kind, defer=way != "tell", cooldown_until=ready_at, why=last.why)


class _Tried:
    """The keys that one request has tried: each once, and once more if a refresh gave it another secret."""

    def __init__(self) -> None:
        self.keys: frozenset[int] = frozenset()
        self._renewed: frozenset[int] = frozenset()

    async def refused(self, pool: KeyPool, lease: Lease, kind: ModelFailure) -> None:
        if lease.position not in self._renewed and await pool.renewed(lease, kind):
            self._renewed |= {lease.position}
        else:
            self.keys |= {lease.position}


class _HandOut:
    """Hands pieces of an answer on, and says so when they are void.

    Attributes:
        some: whether pieces of this call's answer were handed on.
    """

    def __init__(self, on_text: Callable[[str], None], on_restart: Callable[[], None]) -> None:
        self._on_text = on_text
        self._on_restart = on_restart
        self.some = False

    def begin(self) -> None:
        if self.some:
            self.some = False
            self._on_restart()

    def take(self, text: str) -> None:
        self.some = True
        self._on_text(text)


def _moved(error: ModelFailed) -> bool:
    """Whether a server says that the model is elsewhere, which no conversation is to blame for."""
    return error.status is not None and 300 <= error.status < 400


def _passes_soon(error: ModelFailed) -> bool:
    """Whether a service is overloaded, and does not say that it will take long."""
    return error.kind == "overload" and (error.retry_after_s or 0.0) <= BACKOFF_MAX_S


def _not_nothing(answer: ModelAnswer) -> ModelAnswer:
    if answer.finish == "partial" and not answer.text:
        raise ModelFailed("transport", "the answer ended before it began")
    return answer
