"""The one seam to worker threads.

The store has a thread of its own, so that stuck tool threads cannot starve it, and because handing work
to the same thread again costs half of what a thread out of a pool costs. A tool's thread is abandonable:
a cancel leaves it behind, and what it returns later lands nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import outcome
import trio
from trio.lowlevel import Abort, RunVar, Task, TrioToken

T = TypeVar("T")
TOOL_THREADS = 40
_tool_threads: RunVar[trio.CapacityLimiter] = RunVar("hermes_trio tool threads")
Handed = tuple[Callable[[], Any], Task, TrioToken]


class OwnThread:
    """A thread that does one piece of work after the other. Made by `own_thread`."""

    def __init__(self, name: str) -> None:
        self._handed: SimpleQueue[Handed | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name=name, daemon=True)

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work and return what it returns. Never abandoned: a cancel waits until it has happened."""
        self._handed.put((work, trio.lowlevel.current_task(), trio.lowlevel.current_trio_token()))
        result: T = await trio.lowlevel.wait_task_rescheduled(lambda _: Abort.FAILED)
        return result

    def _serve(self) -> None:
        while (handed := self._handed.get()) is not None:
            work, task, token = handed
            done = outcome.capture(work)
            token.run_sync_soon(trio.lowlevel.reschedule, task, done)


@contextmanager
def own_thread(name: str) -> Iterator[OwnThread]:
    """A thread for the body; leaving waits for what it is doing and ends it."""
    thread = OwnThread(name)
    thread._thread.start()
    try:
        yield thread
    finally:
        thread._handed.put(None)
        thread._thread.join()


async def run_in_tool_thread(work: Callable[[], T]) -> T:
    """Run a tool's blocking work in a thread that a cancel abandons."""
    return await trio.to_thread.run_sync(work, limiter=_limiter(), abandon_on_cancel=True)


def _limiter() -> trio.CapacityLimiter:
    try:
        return _tool_threads.get()
    except LookupError:
        limiter = trio.CapacityLimiter(TOOL_THREADS)
        _tool_threads.set(limiter)
        return limiter
