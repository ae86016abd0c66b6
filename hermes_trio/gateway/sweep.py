"""What is looked through now and then: rows that cannot be read, files of conversations that have ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import trio

from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.runtime.supervise import attempt
from hermes_trio.text.foreign_errors import told
from hermes_trio.values.stored import Place

SWEPT_S = 6 * 3600.0
BETWEEN_PAGES_S = 0.05
TIDIED_S = 60.0
"""So long after a start, when what waits is under way, and then with each sweep."""


async def sweep(store: Store, log: Log, tidy: Callable[[], Awaitable[None]]) -> None:
    """Look for rows that cannot be read and that no promise meets, every SWEPT_S seconds, until cancelled.

    It looks at one page at a time, so that nobody's commit waits for the whole look.

    Args:
        tidy: removes the files of conversations that have ended.
    """
    await trio.sleep(TIDIED_S)
    await _tidied(tidy, log)
    wait_s = SWEPT_S - TIDIED_S
    while True:
        await trio.sleep(wait_s)
        wait_s = SWEPT_S
        # If the store cannot read or write, that is logged by somebody who waits for it.
        found, _ = await attempt(partial(_swept, store))
        for what in found or ():
            log.error("out of the way", kind="row", key=None, what=what)
        await _tidied(tidy, log)


async def _tidied(tidy: Callable[[], Awaitable[None]], log: Log) -> None:
    _, error = await attempt(tidy)
    if error is not None:
        log.warning("workspaces not tidied", why=told(error))


async def _swept(store: Store) -> Sequence[str]:
    place: Place | None = Place()
    while place is not None:
        found, place = await store.look_through(place)
        if found:
            return await store.clear_the_way()
        await trio.sleep(BETWEEN_PAGES_S)
    return ()
