"""What outlives the process of the keys that cool down, and when what was deferred is tried again.

One task of the gateway. It is woken, and then looks: at what the pools know, which it writes down where that
is news, and at the clock. So it may miss any number of wakes but the last, and a crash before a write costs
one more refused request.
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
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.views import KeyView

AGAIN_S = 5.0
"""How long after a write that failed the next one is tried."""

LOOK_S = 60.0
"""The wall clock may jump while the loop's own does not: it is looked at so often."""

NEVER = float("inf")


class CooldownKeeper:
    """Keeps what pools know of refused keys, and lets deferred messages be tried when their time has come.

    Args:
        store: where it is kept.
        pools: those of the gateway's agent.
        clock: cooldowns are in wall time.
    """

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
        """Tell the pools what an earlier life knew, before the first turn."""
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
                        self._log.warning("cooldowns not kept", why=f"{type(error).__name__}: {error}")
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
        known = {at: cooldown for pool in self._pools for at, cooldown in pool.cooldowns().items()}
        put = [cooldown for at, cooldown in known.items() if self._kept.get(at) != cooldown]
        gone = [at for at in self._kept if at not in known]
        if put or gone:
            await self._store.keep_cooldowns(put, gone)
            self._kept = known
        if self._next <= self._clock.now():
            await self._retry()
        self._looked.set()
        self._looked = trio.Event()

    async def _retry(self) -> None:
        # What is deferred while this is written comes with a time of its own, which counts too.
        self._next = NEVER
        try:
            again = await self._store.retry_deferred()
        except BaseException:
            self.deferred(self._clock.now())
            raise
        if again is not None:
            self.deferred(again)
