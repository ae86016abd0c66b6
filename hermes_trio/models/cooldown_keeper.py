"""Keeps cooldowns across restarts, and tries deferred messages again when their time has come.

One task of the gateway. When it is woken it looks at the pools, and writes down what is new there; and at the
clock. It looks at states, not at messages sent to it, so one look after the last wake is enough. A crash
before the write costs one more refused request.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import trio

from hermes_trio.errors import Fenced
from hermes_trio.ports.agent import Pool
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log, WallClock
from hermes_trio.runtime.supervise import attempt
from hermes_trio.text.foreign_errors import told_in_short
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.views import KeyView

AGAIN_S = 5.0
"""Seconds between a write that failed and the next try."""

LOOK_S = 60.0
"""How often the wall clock is looked at: it may jump, and the loop's own clock does not."""

NEVER = float("inf")


class CooldownKeeper:
    """Keeps the cooldowns of keys in the store, and has deferred messages tried when their time has come."""

    def __init__(self, store: Store, pools: Sequence[Pool], clock: WallClock, log: Log) -> None:
        self._store = store
        self._pools = pools
        self._clock = clock
        self._log = log
        self._kept: dict[tuple[str, str], KeyCooldown] = {}
        self._next = NEVER
        self._woken = trio.Event()
        self._looked = trio.Event()

    def recall(self, cooldowns: Sequence[KeyCooldown]) -> None:
        """Tell the pools the cooldowns that earlier boots kept. Called before the first turn."""
        self._kept = {(cooldown.fingerprint, cooldown.model): cooldown for cooldown in cooldowns}
        for pool in self._pools:
            pool.recall(cooldowns)

    def deferred(self, until: float) -> None:
        """Messages wait for a key, until this wall time at the earliest."""
        self._next = min(self._next, until)
        self._woken.set()

    def views(self) -> Sequence[KeyView]:
        """The keys of all pools, never a key itself."""
        return [view for pool in self._pools for view in pool.views()]

    async def looked(self) -> None:
        """Return when deferred messages have been looked at once more."""
        await self._looked.wait()

    async def serve(self) -> None:
        """Keep and try until cancelled."""
        with ExitStack() as watching:
            for pool in self._pools:
                watching.enter_context(pool.watched(self._wake))
            while True:
                self._woken = trio.Event()
                _, error = await attempt(self._look)
                if error is not None:
                    if not isinstance(error, Fenced):
                        self._log.warning("cooldowns not kept", why=told_in_short(error))
                    await trio.sleep(AGAIN_S)
                    continue
                with trio.move_on_after(self._left_s()):
                    await self._woken.wait()

    def _wake(self) -> None:
        self._woken.set()

    def _left_s(self) -> float:
        if self._next == NEVER:
            return NEVER
        return min(LOOK_S, max(0.0, self._next - self._clock.now()))

    async def _look(self) -> None:
        known = self._known()
        put = [cooldown for at, cooldown in known.items() if self._kept.get(at) != cooldown]
        gone = [at for at in self._kept if at not in known]
        if put or gone:
            await self._store.keep_cooldowns(put, gone)
            self._kept = known
        if self._next <= self._clock.now():
            await self._retry()
        self._looked.set()
        self._looked = trio.Event()

    def _known(self) -> dict[tuple[str, str], KeyCooldown]:
        """The cooldowns that count: not one that begins in the future, since the clock was set back.

        It is over then, and so are the waits for it, whose times may be far away now.
        """
        now = self._clock.now()
        every = (found for pool in self._pools for found in pool.cooldowns().items())
        return {at: known for at, known in every if known.cooldown.since <= now}

    async def _retry(self) -> None:
        # Messages that are deferred while this is written set a time of their own, which must stay.
        self._next = NEVER
        try:
            again = await self._store.retry_deferred()
        except BaseException:
            self.deferred(self._clock.now())
            raise
        if again is not None:
            self.deferred(again)
