"""The one file that uses threads.

The store has a thread of its own: others may fill the pool of threads, and cannot starve it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from threading import Event, Thread, get_ident
from types import FrameType
from typing import Any, TypeVar

import outcome
import trio
from trio.lowlevel import Abort, Task, TrioToken

T = TypeVar("T")


Aside = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does work that would hold the loop somewhere beside it, and returns what it returns."""


def beside(at_once: int = 1) -> Aside:
    """Threads do it, one thing after the other: a second one would only make the loop wait longer.

    Args:
        at_once: so many do, where the work waits for a disk.

    Cancelled: nothing of it happens, for all that anybody sees.
    """
    limiter = trio.CapacityLimiter(at_once)

    async def in_one(work: Callable[[], Any]) -> Any:
        return await in_thread(work, limiter)

    return in_one


async def unless_short(aside: Aside, work: Callable[[], T], size: int, *, short: int) -> T:
    """Do the work in the loop if it is short, else beside it, and return what it returns.

    Args:
        size: of what it works on. At most `short`: the loop is held for less than a handing-over is worth.

    Cancelled: as `aside`; in the loop it is done before that.
    """
    if size <= short:
        return work()
    result: T = await aside(work)
    return result


async def in_thread(work: Callable[[], T], limiter: trio.CapacityLimiter) -> T:
    """Do the work in a thread and return what it returns. Cancelled, it is abandoned, and keeps its place.

    Args:
        limiter: of those who may have a thread at once; never trio's own, which others may fill.
    """
    return await trio.to_thread.run_sync(work, abandon_on_cancel=True, limiter=limiter)


def in_thread_now(work: Callable[[], T]) -> T:
    """Do the work in a thread and return what it returns; the loop stands still meanwhile."""
    done: SimpleQueue[outcome.Outcome[T]] = SimpleQueue()
    _start(Thread(target=lambda: done.put(outcome.capture(work)), name="hermes-trio now", daemon=True))
    return done.get().unwrap()


def _start(thread: Thread) -> None:
    """Start it. Raises RuntimeError: the machine has no room for it; the text says which limits to raise."""
    try:
        thread.start()
    except RuntimeError as error:
        raise RuntimeError(
            f"no room for the thread {thread.name!r}: this machine lets no more threads or memory be used"
            " (`ulimit -u`, `ulimit -v`, TasksMax= of the unit, pids.max of the container)"
        ) from error


class _Handed:
    """A piece of work, and the task that waits for it; None: nobody does any more."""

    __slots__ = ("task", "token", "work")

    def __init__(self, work: Callable[[], Any], task: Task, token: TrioToken) -> None:
        self.work = work
        self.task: Task | None = task
        self.token = token

    def tell(self, done: outcome.Outcome[Any]) -> None:
        if self.task is not None:
            trio.lowlevel.reschedule(self.task, done)


class OwnThread:
    """A thread that does one piece of work after the other. Made by `own_thread`.

    Attributes:
        abandoned: nobody waits for what it is doing; it may hang for ever.
    """

    def __init__(self, name: str) -> None:
        self._handed: SimpleQueue[_Handed | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name=name, daemon=True)
        self.abandoned = False

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work and return what it returns. Cancelled, it is left: it may happen later, or hang."""
        handed = _Handed(work, trio.lowlevel.current_task(), trio.lowlevel.current_trio_token())

        def abandon(_: object) -> Abort:
            handed.task, self.abandoned = None, True
            return Abort.SUCCEEDED

        self._handed.put(handed)
        result: T = await trio.lowlevel.wait_task_rescheduled(abandon)
        return result

    def _serve(self) -> None:
        while (handed := self._handed.get()) is not None:
            done = outcome.capture(handed.work)
            with suppress(trio.RunFinishedError):  # the loop has ended, and waits for nothing
                handed.token.run_sync_soon(handed.tell, done)


@contextmanager
def own_thread(name: str) -> Iterator[OwnThread]:
    """A thread for the body; leaving waits for what it is doing and ends it. What was abandoned is left."""
    thread = OwnThread(name)
    _start(thread._thread)
    try:
        yield thread
    finally:
        thread._handed.put(None)
        if not thread.abandoned:
            thread._thread.join()


@contextmanager
def pulse(every_s: float, beat: Callable[[], None]) -> Iterator[None]:
    """While the body runs, call `beat` from a thread as long as the loop is alive.

    Args:
        every_s: the loop is asked for a sign so often and has so long to give it, in seconds. A loop that
            is stuck gives none, and there is no beat.
    """
    over = Event()
    token = trio.lowlevel.current_trio_token()
    Thread(target=_look, args=(token, over, every_s, beat), name="hermes-trio pulse", daemon=True).start()
    try:
        yield
    finally:
        over.set()


@contextmanager
def held_loop(limit_s: float, tell: Callable[[FrameType], None]) -> Iterator[None]:
    """While the body runs, tell from a thread, once for each time, where a loop stands that gives no sign.

    Args:
        limit_s: the loop is asked for a sign so often and has so long to give it, in seconds.
        tell: is given the innermost frame of the loop's thread.
    """
    over, loop = Event(), (trio.lowlevel.current_trio_token(), get_ident())
    Thread(target=_watch, args=(*loop, over, limit_s, tell), name="hermes-trio held", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _watch(
    token: TrioToken, loop: int, over: Event, limit_s: float, tell: Callable[[FrameType], None]
) -> None:
    while not over.wait(limit_s):
        sign = Event()
        try:
            token.run_sync_soon(sign.set)
        except trio.RunFinishedError:
            return
        # The second look is for a machine that slept: its clock went on, and the loop had no time.
        if sign.wait(limit_s) or sign.wait(limit_s / 5):
            continue
        if (frame := sys._current_frames().get(loop)) is not None:
            tell(frame)
        while not over.is_set() and not sign.wait(limit_s):
            pass


def _look(token: TrioToken, over: Event, every_s: float, beat: Callable[[], None]) -> None:
    while not over.wait(every_s):
        sign = Event()
        try:
            token.run_sync_soon(sign.set)
        except trio.RunFinishedError:
            return
        if sign.wait(every_s):
            beat()
