"""The one seam to worker threads.

The store has a limiter of its own, so that stuck tool threads cannot starve it. A tool's thread is
abandonable: a cancel leaves it behind, and what it returns later lands nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import trio
from trio.lowlevel import RunVar

T = TypeVar("T")
TOOL_THREADS = 40
_store_threads: RunVar[trio.CapacityLimiter] = RunVar("hermes_trio store threads")
_tool_threads: RunVar[trio.CapacityLimiter] = RunVar("hermes_trio tool threads")


async def run_in_store_thread(work: Callable[[], None]) -> None:
    """Run SQLite work in a thread, never abandoned: on return it has happened."""
    await trio.to_thread.run_sync(work, limiter=_limiter(_store_threads, 8))


async def run_in_tool_thread(work: Callable[[], T]) -> T:
    """Run a tool's blocking work in a thread that a cancel abandons."""
    return await trio.to_thread.run_sync(
        work, limiter=_limiter(_tool_threads, TOOL_THREADS), abandon_on_cancel=True
    )


def _limiter(var: RunVar[trio.CapacityLimiter], tokens: int) -> trio.CapacityLimiter:
    try:
        return var.get()
    except LookupError:
        limiter = trio.CapacityLimiter(tokens)
        var.set(limiter)
        return limiter
