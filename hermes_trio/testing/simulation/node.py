"""One gateway of a play: how it is started, stopped, killed and frozen. A play has one, or nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

import trio

from hermes_trio.gateway.handle import Gateway
from hermes_trio.testing.bounded_waits import Patience
from hermes_trio.testing.crashing_store import Hang
from hermes_trio.testing.lives import Lives
from hermes_trio.testing.memory_platform import MemoryPlatform
from hermes_trio.testing.simulation.facts import Facts
from hermes_trio.testing.simulation.plan import Crash, CutOff, Freeze, Stop
from hermes_trio.testing.simulation.setting import policy
from hermes_trio.testing.world import World

CRASHES_WITHIN_S = 10.0
"""A crash or a freeze that waits for a commit or a round that does not come happens then."""


class Node:
    """A gateway of a play.

    Args:
        forbidden: who may not speak, from the next start on.

    Attributes:
        lives: of it.
    """

    def __init__(
        self,
        name: str,
        lives: Lives,
        world: World,
        platforms: Sequence[MemoryPlatform],
        facts: Facts,
        forbidden: Collection[str],
    ) -> None:
        self.lives = lives
        self._name = name
        self._world = world
        self._platforms = platforms
        self._facts = facts
        self._forbidden = forbidden
        self._restarts = 0
        self._lock = trio.Lock()

    @property
    def gateway(self) -> Gateway | None:
        """Of the life that runs, once it is ready."""
        return None if self.lives.now is None else self.lives.now.gateway

    async def in_turn(self, act: Callable[..., Awaitable[None]], *args: object) -> None:
        """What ends a life of it waits until what did so before has begun the next."""
        async with self._lock:
            await act(*args)

    async def crash(self, crash: Crash) -> None:
        """Kill it, and start it again after a while."""
        lives = self.lives
        if lives.now is None:
            return
        match crash.when:
            case "now":
                lives.crash()
            case "round":
                lives.crash_at_round(crash.nth)
            case "before commit":
                lives.crash_at_commit("before", crash.nth)
            case "after commit":
                lives.crash_at_commit("after", crash.nth)
        with trio.move_on_after(CRASHES_WITHIN_S):
            await lives.crashed()
        if lives.now is not None:
            lives.crash()
        await trio.sleep(crash.down_s)
        await self.start(resume=crash.resume, without=crash.without)

    async def end(self, stop: Stop) -> None:
        """Stop it with so long to drain, and start it again after a while."""
        life = self.lives.now
        if life is None:
            return
        if life.gateway is not None:
            life.gateway.hurry(stop.drain_s)
        await self.stop()
        await trio.sleep(stop.down_s)
        await self.start(resume=stop.resume, without=stop.without)

    async def restart_if_asked(self) -> None:
        """At /restart the daemon stops, and is begun anew."""
        if self.lives.restarts_asked > self._restarts:
            self._restarts = self.lives.restarts_asked
            await self.stop()
            await self.start()

    async def stop(self) -> None:
        """Stop the life that runs."""
        if self.lives.now is not None:
            with Patience("the gateway to stop", self._world.timeline):
                await self.lives.stop()
            self._world.record.add_on(self._name, "world", "stopped")

    async def start(self, *, resume: bool = True, without: str = "") -> None:
        """The next life. One that ends before it is ready is followed by another, as a supervisor sees to."""
        world = self._world
        allowed = policy(self._forbidden)
        world.platforms[:] = [one for one in self._platforms if one.account != without]
        for platform in world.platforms:
            platform.policy = allowed
        self._facts.served = {f"{one.name}/{one.account}" for one in world.platforms}
        self._facts.allowed, self._facts.resumes = allowed.allow_users, resume
        world.resumes = resume
        while self.lives.now is None:
            try:
                await self.lives.start()
            except* RuntimeError:
                if self.lives.now is not None:
                    raise

    # -- what befalls one of several

    async def freeze(self, freeze: Freeze) -> None:
        """Freeze its machine; return when it is frozen, or dead."""
        life, happened = self.lives.now, trio.Event()

        def happens() -> None:
            if self.lives.now is life is not None and not happened.is_set():
                self.lives.freeze(freeze.for_s)
            happened.set()

        if freeze.when != "now":
            self.lives.at_commit("before" if freeze.when == "before commit" else "after", freeze.nth, happens)
            with trio.move_on_after(CRASHES_WITHIN_S):
                await happened.wait()
        if not happened.is_set():
            happens()

    def cut_off(self, cut: CutOff) -> None:
        """It reaches the store no longer, for a while."""
        life = self.lives.now
        if life is not None:
            self._world.record.add_on(self._name, "world", "cut off", for_s=cut.for_s)
            life.store.hangs.end()
            life.store.hangs = Hang(1, cut.for_s, done=cut.done)
