"""A place among the turns that run at once."""

from __future__ import annotations

import trio


class Slot:
    """A place that is given up while its turn waits for a person or a clock."""

    def __init__(self, limiter: trio.CapacityLimiter) -> None:
        self._limiter = limiter
        self._place: object | None = None
        self._left = False

    async def acquire(self) -> None:
        """Wait for a place, first come first served. With a place already it is kept."""
        if self._place is not None:
            return
        place = object()
        await self._limiter.acquire_on_behalf_of(place)
        if self._place is not None or self._left:
            self._limiter.release_on_behalf_of(place)
        else:
            self._place = place

    def release(self) -> None:
        """Give the place up, if one is held."""
        place, self._place = self._place, None
        if place is not None:
            self._limiter.release_on_behalf_of(place)

    def leave(self) -> None:
        """Give the place up for good: who held it does not leave by itself."""
        self._left = True
        self.release()
