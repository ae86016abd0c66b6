"""How many turns work at once: the limiter gives out permits, and a turn works exactly while it holds one.

A turn that waits for a person or a clock has given its permit up. So a drain waits until no permit is held.
"""

from __future__ import annotations

import trio


class TurnLimiter:
    """Gives out `turns_max` permits; who comes later waits, first come first served."""

    def __init__(self, turns_max: int) -> None:
        self._limiter = trio.CapacityLimiter(turns_max)
        self._freed = trio.Event()

    @property
    def held(self) -> int:
        """How many turns work now."""
        return int(self._limiter.borrowed_tokens)

    @property
    def full(self) -> bool:
        """Whoever comes now has to wait."""
        return not self._limiter.available_tokens

    async def none_held(self) -> None:
        """Return when no turn works."""
        while self.held:
            await self._freed.wait()

    async def take(self, who: object) -> None:
        """Wait for a permit. Cancelled: none is held."""
        await self._limiter.acquire_on_behalf_of(who)

    def give(self, who: object) -> None:
        """Give a permit back; the first in line has it at once."""
        self._limiter.release_on_behalf_of(who)
        if not self.held:
            self._freed.set()
            self._freed = trio.Event()


class TurnPermit:
    """What a session's turns hold while they work. Released while its turn waits for a person or a clock."""

    def __init__(self, limiter: TurnLimiter) -> None:
        self._limiter = limiter
        self._borrower: object | None = None
        self._left = False

    async def acquire(self) -> None:
        """Wait for a permit, first come first served. Returns at once if one is held already."""
        if self._borrower is not None:
            return
        borrower = object()
        await self._limiter.take(borrower)
        if self._borrower is not None or self._left:
            self._limiter.give(borrower)
        else:
            self._borrower = borrower

    def release(self) -> None:
        """Give the permit up, if one is held."""
        borrower, self._borrower = self._borrower, None
        if borrower is not None:
            self._limiter.give(borrower)

    def leave(self) -> None:
        """Give the permit up for good: the task that held it is left behind, and must not get another."""
        self._left = True
        self.release()
