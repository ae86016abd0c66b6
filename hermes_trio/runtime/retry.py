"""Writes that must be done, with a store that is slow or fails now and then: they are tried until it is done.

No deadline lies around such a write. That it takes long is nobody's fault, and must not decide what becomes
of a message.
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
    """Says nothing of a refusal: somebody else does, or nobody has to know."""


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
