"""Writes that must be done, with a store that is slow or fails now and then: they are tried until it is done.

No deadline lies around such a write. That it takes long is nobody's fault, and must not decide what becomes
of a message.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from hermes_trio.errors import StoreFailed
from hermes_trio.ports.system import Log
from hermes_trio.runtime.backoff import backoff_s

T = TypeVar("T")
Refused = Callable[[StoreFailed], None]
AGAIN_FIRST_S = 0.25
AGAIN_CAP_S = 8.0


def _silently(_: StoreFailed) -> None:
    """Says nothing of a refusal: somebody else does, or nobody has to know."""


def tells_of_waits(log: Log) -> Refused:
    """Says in the log what a start waits for."""

    def tell(error: StoreFailed) -> None:
        log.warning("start waits", why=str(error))

    return tell


async def until_stored(
    write: Callable[[], Awaitable[T]],
    refused: Refused = _silently,
    wait: Callable[[float], Awaitable[None]] = trio.sleep,
) -> T:
    """Write as soon as the store can: tried again for ever, after 0.25 s, then up to 8 s.

    Args:
        write: calls one promise of the store. Only `StoreFailed` is tried again, a fence never.
        refused: called with each error of a try that the disk has refused.
        wait: waits for the next try, by default so many seconds. If thousands may wait at once, use
            `OneAsks.again`.

    Cancelled: as the promise that it calls; it is not tried again.
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
    """The same write, shielded: for what has happened already, and would be lost or done again if forgotten.

    Cancelled: a try of the write is neither cut short nor left out. Only the wait between two tries is cut.
    """

    async def whole() -> T:
        with trio.CancelScope(shield=True):
            result = await write()
        return result  # noqa: RET504 - a scope may swallow what ends its block, for all that mypy knows

    return whole


class OneAsks:
    """Tells all who wait when the store takes writes again. One of them tries, for all others.

    Args:
        probe: a promise that writes, and changes nothing.

    Attributes:
        taken: how often the store has begun to take writes again.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._asking = trio.Lock()
        self.taken = 0
        self._at_once = True

    async def again(self, wait_s: float) -> None:
        """Wait for the next try of a write: so many seconds, and until the store takes any write.

        Cancelled: as `wait`.
        """
        taken = self.taken
        await trio.sleep(wait_s)
        await self.wait(taken)

    async def wait(self, taken: int) -> bool:
        """Wait until `taken` has changed. Returns whether the first probe was taken at once.

        Cancelled: the next one who waits tries instead.
        """
        async with self._asking:
            if self.taken == taken:
                refusals: list[StoreFailed] = []
                await until_stored(self._probe, refusals.append)
                self.taken += 1
                self._at_once = not refusals
            return self._at_once
