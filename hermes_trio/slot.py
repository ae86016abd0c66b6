"""A place among the turns that run at once."""

from __future__ import annotations

import trio


class Slot:
    """A place that is given up while its turn waits for a person or a clock."""

    def __init__(self, limiter: trio.CapacityLimiter, owner: object) -> None:
        self._limiter = limiter
        self._owner = owner
        self.held = False

    async def acquire(self) -> None:
        """Wait for a place, first come first served."""
        await self._limiter.acquire_on_behalf_of(self._owner)
        self.held = True

    def release(self) -> None:
        """Give the place up, if it is held."""
        if self.held:
            self.held = False
            self._limiter.release_on_behalf_of(self._owner)
