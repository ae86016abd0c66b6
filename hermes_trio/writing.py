"""Writing down what must be written, with a store that fails now and then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from hermes_trio.errors import StoreFailed

T = TypeVar("T")
AGAIN_FIRST_S = 0.25
AGAIN_CAP_S = 8.0


async def written(write: Callable[[], Awaitable[T]]) -> T:
    """Write as soon as the store can: tried again for ever, after 0.25 s, then up to 8 s.

    Args:
        write: calls one promise of the store. Only `StoreFailed` is tried again, a fence never.

    Cancelled: as the promise; nothing is tried any more.
    """
    wait_s = AGAIN_FIRST_S
    while True:
        try:
            return await write()
        except StoreFailed:
            await trio.sleep(wait_s)
            wait_s = min(2 * wait_s, AGAIN_CAP_S)
