"""One task per key that has work.

`wake` is synchronous and level-triggered: a worker looks at the rows, not at messages sent to it, so
nothing can be forgotten. A key is in the table exactly while it *has a task*; that never means busy. A task
of another kind may reserve a key for one commit (`delivery/lane_workers.py`). Then the key's worker is in the
table, and its task starts after that commit.

Rule for editors: between a worker's last look at `dirty` and its removal from the table nothing is
awaited, or a wake could fall between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

import trio

from hermes_trio.errors import LeaseOver, StoreClosed, StoreFailed
from hermes_trio.ports.system import Chance, Log
from hermes_trio.runtime.backoff import backoff_s
from hermes_trio.runtime.outage import OneAsks
from hermes_trio.runtime.stop_times import LEAVE_S
from hermes_trio.runtime.supervise import attempt, first_leaf
from hermes_trio.runtime.tracebacks import traceback_of
from hermes_trio.text.foreign_errors import told_in_short

FAILED_FIRST_S = 0.1
FAILED_CAP_S = 30.0
STUCK_AFTER = 3


class Worker:
    """The task of a key: its scope, what woke it, and its predecessor.

    Attributes:
        scope: cancelling it is how a key's work is ended from outside.
        left: set when the task is gone.
        before: its predecessor, as long as it waits for that one to leave.
        stuck: how often in a row its work has failed because of what is in the rows.
    """

    __slots__ = ("before", "dirty", "left", "scope", "stuck", "task", "woken")

    def __init__(self) -> None:
        self.dirty = True
        self.scope = trio.CancelScope()
        self.left = trio.Event()
        self.before: Worker | None = None
        self.woken: trio.Event | None = None
        self.stuck = 0
        self.task: trio.lowlevel.Task | None = None

    def wake(self) -> None:
        """There may be new rows."""
        self.dirty = True
        if self.woken is not None:
            self.woken.set()

    def left_behind(self) -> None:
        """The task does not leave by itself: what others wait for (a turn's permit) is taken from it."""

    async def rest(self, seconds: float) -> None:
        """Wait until woken, at most so long. A wake since the last look ends it at once."""
        if not self.dirty:
            self.woken = trio.Event()
            with trio.move_on_after(seconds):
                await self.woken.wait()
            self.woken = None
        self.dirty = False


K = TypeVar("K", bound=Hashable)
W = TypeVar("W", bound=Worker)
Of = TypeVar("Of", bound=Hashable, contravariant=True)
By = TypeVar("By", bound=Worker, contravariant=True)


class Work(Protocol[Of, By]):
    """What the tasks of a table do."""

    async def work(self, key: Of, worker: By, /) -> None:
        """Look at the key's rows until there is nothing to do, then return."""

    async def fail_first(self, key: Of, worker: By, /) -> str | None:
        """Settle as failed what stands first in the way of `work`; returns what it was, None if nothing."""


class WorkerTable(Generic[K, W]):
    """The table of one kind of worker.

    Args:
        nursery: owns the tasks.
        does: their work.
        kind: names the tasks.
        disk: says when a store that refused takes a write again.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        does: Work[K, W],
        kind: str,
        log: Log,
        chance: Chance,
        disk: OneAsks,
    ) -> None:
        self._nursery = nursery
        self._does = does
        self._kind = kind
        self._log = log
        self._chance = chance
        self._disk = disk
        self.live: dict[K, W] = {}
        self._tasks: dict[W, K] = {}
        self._empty = trio.Event()

    def wake(self, key: K, new: Callable[[], W]) -> None:
        """Have the key's task look at its rows. If there is none, `new` makes the one that starts."""
        worker = self.live.get(key)
        if worker is not None:
            worker.wake()
        else:
            self._start(key, new())

    def replace(self, key: K, worker: W, why: str) -> None:
        """Cancel the key's task and put a successor in its place, which first waits for it to leave."""
        old = self.live.get(key)
        if old is not None:
            old.scope.cancel(reason=why)
        worker.before = old
        self._start(key, worker)

    def leave_behind(self, key: K, worker: W, successor: W) -> None:
        """Cancel a task that did not leave when its turn was cut. Another works in its place at once."""
        worker.scope.cancel(reason="left behind")
        self._left_behind(key, worker)
        self._start(key, successor)

    def cancel(self, why: str) -> None:
        """Cancel every task."""
        for worker in self._tasks:
            worker.scope.cancel(reason=why)

    def say_who_is_left(self) -> None:
        """Each task that has not left yet has its line in the log."""
        for worker, key in self._tasks.items():
            self._say_left(key, worker)

    async def empty(self) -> None:
        """Return when no task is left, also none that was replaced."""
        while self._tasks:
            await self._empty.wait()

    def _start(self, key: K, worker: W) -> None:
        self._enter(key, worker)
        self._begin(key, worker)

    def _reserve(self, key: K, worker: W) -> None:
        """Put a worker under the key. Its task begins when the key is given back, and not before."""
        worker.dirty = False
        self._enter(key, worker)

    def _give_back(self, key: K, worker: W, *, starts: bool) -> None:
        """Begin the task if it was woken meanwhile, or if it `starts` anyway."""
        if starts or worker.dirty:
            worker.dirty = True
            self._begin(key, worker)
        else:
            self._leave(key, worker)

    def _enter(self, key: K, worker: W) -> None:
        self.live[key] = worker
        self._tasks[worker] = key
        if self._empty.is_set():
            self._empty = trio.Event()

    def _begin(self, key: K, worker: W) -> None:
        self._nursery.start_soon(self._run, key, worker, name=f"{self._kind} {key}")

    def _leave(self, key: K, worker: W) -> None:
        worker.left.set()
        del self._tasks[worker]
        if self.live.get(key) is worker:
            del self.live[key]
        if not self._tasks:
            self._empty.set()

    async def _run(self, key: K, worker: W) -> None:
        worker.task = trio.lowlevel.current_task()
        try:
            with worker.scope:
                if worker.before is not None:
                    await self._succeed(key, worker)
                failures = 0
                while worker.dirty:
                    worker.dirty = False
                    failures = await self._look(key, worker, failures)
        finally:
            self._leave(key, worker)

    async def _look(self, key: K, worker: W, failures: int) -> int:
        """One look at the rows. A failure is logged, and after a while the rows are looked at again.

        After three failures in a row, what stands first is settled as failed (`fail_first`), and the work
        goes on behind it. A store that cannot write or read does not count: it says nothing about a row.
        Where it fails for all, it is waited for, and no task has a line of its own.
        """
        failed: BaseExceptionGroup[Exception] | None = None
        try:
            await self._does.work(key, worker)
        except* Exception as group:
            failed = group
        if failed is None:
            worker.stuck = 0
            return 0
        error = first_leaf(failed)
        if isinstance(error, StoreClosed | LeaseOver):
            return 0  # this boot writes no longer: what the rows say is for another, or for the next start
        if isinstance(error, StoreFailed):
            if not await self._disk.is_well():
                worker.dirty = True
                return 0
        else:
            worker.stuck += 1
        self._log.error(
            "worker failed",
            kind=self._kind,
            key=str(key),
            failures=failures + 1,
            error=told_in_short(error),
            traceback=traceback_of(error),
        )
        if worker.stuck >= STUCK_AFTER and await self._clear_the_way(key, worker):
            worker.dirty = True
            return 0
        await worker.rest(
            backoff_s(failures, self._chance.random(), first_s=FAILED_FIRST_S, cap_s=FAILED_CAP_S)
        )
        worker.dirty = True
        return failures + 1

    async def _clear_the_way(self, key: K, worker: W) -> bool:
        what, error = await attempt(lambda: self._does.fail_first(key, worker))
        if what is None:
            why = told_in_short(error) if error is not None else None
            self._log.error("still in the way", kind=self._kind, key=str(key), error=why)
            return False
        worker.stuck = 0
        self._log.error("out of the way", kind=self._kind, key=str(key), what=what)
        return True

    async def _succeed(self, key: K, worker: W) -> None:
        """Wait for predecessors to leave, at most LEAVE_S. One that stays is left behind, fenced off."""
        with trio.move_on_after(LEAVE_S):
            while worker.before is not None:
                await worker.before.left.wait()
                # A predecessor that was replaced while it waited itself hands its own one on.
                worker.before = worker.before.before
        if worker.before is not None:
            self._left_behind(key, worker.before)
            worker.before = None

    def _left_behind(self, key: K, worker: Worker) -> None:
        self._say_left(key, worker)
        worker.left_behind()

    def _say_left(self, key: K, worker: Worker) -> None:
        self._log.warning("left behind", key=str(key), tasks=task_tree(worker.task))


def task_tree(task: trio.lowlevel.Task | None) -> str:
    """The names of a task and the tasks below it, for the log."""
    if task is None:
        return ""
    below = [task_tree(child) for nursery in task.child_nurseries for child in nursery.child_tasks]
    return task.name + (f"({', '.join(below)})" if below else "")
