"""Writing down what must be written, with a store that is slow, or fails now and then.

The time that takes is nobody's fault: no deadline lies around it, and none decides what becomes of a message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from hermes_trio.errors import StoreFailed
from hermes_trio.runtime.backoff import backoff_s

T = TypeVar("T")
Refused = Callable[[StoreFailed], None]
AGAIN_FIRST_S = 0.25
AGAIN_CAP_S = 8.0


def _silently(_: StoreFailed) -> None:
    """Whoever waits says so, or nobody has to know."""


async def until_stored(
    write: Callable[[], Awaitable[T]],
    refused: Refused = _silently,
    wait: Callable[[float], Awaitable[None]] = trio.sleep,
) -> T:
    """Write as soon as the store can: tried again for ever, after 0.25 s, then up to 8 s.

    Args:
        write: calls one promise of the store. Only `StoreFailed` is tried again, a fence never.
        refused: told of each try that the disk has refused.
        wait: waits for the next try, by default for so many seconds. Where thousands may wait at once it is
            `OneAsks.again`.

    Cancelled: as the promise; nothing is tried any more.
    """
    failures = 0
    while True:
        try:
            return await write()
        except StoreFailed as error:
            refused(error)
        await wait(backoff_s(failures, first_s=AGAIN_FIRST_S, cap_s=AGAIN_CAP_S))
        failures += 1


def uncut(write: Callable[[], Awaitable[T]]) -> Callable[[], Awaitable[T]]:
    """The same write for what has happened already: forgotten, it would be done again, or taken for unknown.

    Cancelled: no call of it is cut short or left out; only a wait between two is.
    """

    async def whole() -> T:
        with trio.CancelScope(shield=True):
            result = await write()
        return result  # noqa: RET504 - a scope may swallow what ends its block, for all that mypy knows

    return whole


class OneAsks:
    """Whether the store takes anything again: of all who wait for that one asks, and ten thousand cost no
    more than one.

    Args:
        probe: a promise that writes, and changes nothing.

    Attributes:
        taken: how often a write was taken behind which some had been refused.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._asking = trio.Lock()
        self.taken = 0
        self._at_once = True

    async def again(self, wait_s: float) -> None:
        """Wait for the next try of a write: so many seconds, and until the store takes anything.

        Cancelled: as `wait`.
        """
        taken = self.taken
        await trio.sleep(wait_s)
        await self.wait(taken)

    async def wait(self, taken: int) -> bool:
        """Until it is another `taken`; returns whether the store took the first write that it was asked to.

        Cancelled: whoever waits next asks.
        """
        async with self._asking:
            if self.taken == taken:
                refusals: list[StoreFailed] = []
                await until_stored(self._probe, refusals.append)
                self.taken += 1
                self._at_once = not refusals
            return self._at_once
