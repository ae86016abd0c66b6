"""The one writer: takes the promises that wait, commits them as one transaction, performs what follows, then
wakes the callers.

Rules for editors. No caller is woken before COMMIT. A promise may be run twice. If one promise of a group
raises, or the disk refuses the commit, the whole group is undone, and each promise is run alone, once. (A
savepoint for each would cost every group two more statements a promise, for a rare case; and `SQLITE_FULL`
rolls savepoints back too.) If a transaction cannot even begin, because another program holds the file, no
promise is to blame, and none is run alone. A promise that fails alone because of what is in the rows is run
once more, after the rows that cannot be read were settled.

The writer's task shields itself and ends when its channel closes. A disk that hangs cannot hold it for ever:
`end_within` sets how long it waits. Whoever waits then gets `StoreClosed`, and the hung write is left to its
thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import trio

from hermes_trio.errors import HermesError, LeaseOver, StoreClosed, StoreFailed
from hermes_trio.runtime.stop_times import CLOSE_S
from hermes_trio.store.engine import Engine, RunBlocking
from hermes_trio.store.locks import NOTHING, Locks
from hermes_trio.store.tx import Tx
from hermes_trio.values.consequences import Consequence, OutOfTheWay, Perform

T = TypeVar("T")
GROUP_MAX = 64
SIBLINGS, SIBLINGS_S = 16, 0.008
"""A writer is busy when so many callers came within so many seconds."""


class _Job:
    __slots__ = ("args", "boot", "consequences", "error", "finished", "promise", "result", "waiter")

    def __init__(self, promise: Callable[..., Any], args: tuple[Any, ...], boot: int) -> None:
        self.promise = promise
        self.args = args
        self.boot = boot
        self.finished = False
        self.waiter: trio.lowlevel.Task | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.consequences: Sequence[Consequence] = ()


class Writer:
    """Runs promises, functions of a `Tx`, grouped into transactions.

    Args:
        engine: the connection that only this writer uses.
        perform: is handed the consequences of each commit, synchronously.
        clear_the_way: the promise that settles the rows that cannot be read, and returns what they were.

    Attributes:
        group_max: says how many promises the next commit may take; the test kit draws it.
        shared: other boots may write into the store meanwhile. Then `enter` comes before each promise,
            and `leave` after it, both with its transaction; `hint` is called when a commit has left signals,
            `ended` when the store says of a boot of this writer that it is over.
        locks_of: what a promise locks by its arguments, where the engine is not alone in its database.
        is_by_itself: whether a promise has a transaction of its own there, without its boot's fence.
        is_urgent: whether a promise passes those that wait for room in the queue: at most two groups are
            before it, however many wait.
    """

    def __init__(
        self, engine: Engine, perform: Perform, clear_the_way: Callable[[Tx], Sequence[str]]
    ) -> None:
        self._engine = engine
        self._clear_the_way = clear_the_way
        self._recent: deque[float] = deque([float("-inf")] * SIBLINGS, maxlen=SIBLINGS)
        self.perform = perform
        self.boot = 0
        self.now: Callable[[], float] = lambda: 0.0
        self.group_max: Callable[[], int] = lambda: GROUP_MAX
        self.shared = False
        self.enter: Callable[[Tx], None] = _alone_in_it
        self.leave: Callable[[Tx], int] = _signals_nobody
        self.hint: Callable[[], object] = lambda: None
        self.ended: Callable[[], object] = lambda: None
        self.locks_of: Callable[[Callable[..., Any], tuple[Any, ...]], Locks] = lambda *_: NOTHING
        self.is_by_itself: Callable[[Callable[..., Any]], bool] = lambda _: False
        self.is_urgent: Callable[[Callable[..., Any]], bool] = lambda _: False
        self._urgent: list[_Job] = []
        self._at, self._writes_for = 0.0, 0
        self._signals = 0
        self._life = trio.CancelScope(shield=True)
        self._over = False
        self._send, self._receive = trio.open_memory_channel[_Job](GROUP_MAX)

    async def do(self, promise: Callable[..., T], *args: Any) -> T:
        """Run `promise(tx, *args)` in a transaction and return its result once it is durable.

        Raises:
            StoreFailed: the disk; nothing was written.
            StoreClosed: the writer has ended. LeaseOver: so is the boot under which this was asked.
            Fenced, and whatever else the promise raises; nothing was written.
        Cancelled before it is queued, nothing is written. Cancelled later, the result arrives all the same;
        the cancel arrives instead if the writer has ended, and then nobody knows what was written.
        """
        # A wait that refuses to be aborted is a shield without the price of a scope; the cancel comes at the
        # next checkpoint.
        return await self._done(promise, args, _stay)

    async def ask(self, promise: Callable[..., T], *args: Any) -> T:
        """As `do`, for reads, and for writes whose caller need not hear how they ended.

        Cancelled, it leaves at once; the promise may be run all the same.
        """
        return await self._done(promise, args, _leave)

    async def _done(
        self,
        promise: Callable[..., T],
        args: tuple[Any, ...],
        aborted: Callable[[_Job], trio.lowlevel.Abort],
    ) -> T:
        job = _Job(promise, args, self.boot)
        self._recent.append(trio.current_time())
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            try:
                self._send.send_nowait(job)
            except trio.WouldBlock:
                if self.is_urgent(promise):
                    self._urgent.append(job)
                else:
                    await self._send.send(job)
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            raise StoreClosed("the store is closed") from None
        if not job.finished:
            job.waiter = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(lambda _: aborted(job))
        if isinstance(job.error, StoreClosed):
            # The writer ends because its owner does. Whoever is cancelled by that owner too has no other end.
            await trio.lowlevel.checkpoint_if_cancelled()
        if job.error is not None:
            raise job.error
        return job.result  # type: ignore[no-any-return]

    def end_within(self, seconds: float) -> None:
        """Wait for the disk no longer than this from now on. Whoever still waits then gets `StoreClosed`.

        A time that is set already never becomes later. The write that hangs may become durable, or not.
        """
        self._life.deadline = min(self._life.deadline, trio.current_time() + seconds)

    @property
    def ends_at(self) -> float:
        """Until when the disk is waited for, by the loop's clock."""
        return self._life.deadline

    @asynccontextmanager
    async def serve(self, run_blocking: RunBlocking, *, linger_s: float = 0.0) -> AsyncIterator[None]:
        """Run the writer while the body runs; leaving commits what was queued, within `CLOSE_S`.

        Args:
            run_blocking: runs a group's work on the database off the loop; the test kit runs it inline.
            linger_s: while many callers write, a group waits so long for more of them. One fsync and one
                change of threads then serve several (PostgreSQL: commit_delay, commit_siblings).
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._work, run_blocking, linger_s, name="store writer")
            try:
                yield
            finally:
                self._send.close()
                self.end_within(CLOSE_S)

    async def _work(self, run_blocking: RunBlocking, linger_s: float) -> None:
        group: list[_Job] = []
        try:
            with self._life:
                async for job in self._receive:
                    if linger_s and trio.current_time() - self._recent[0] < SIBLINGS_S:
                        await trio.sleep(linger_s)
                    group = [*self._urgent, job, *self._waiting(self.group_max() - 1)]
                    self._urgent.clear()
                    if timely := self._timely(group):
                        await run_blocking(lambda: self._commit(timely))
                    for one in group:
                        self._tell(one)
                    if any(isinstance(one.error, LeaseOver) for one in group):
                        self.ended()
                    if self._signals:
                        self._signals = 0
                        self.hint()
                    group = []
        finally:
            self._over = True
            # A closed channel forgets what is in it, so its callers are told before.
            group += self._urgent
            while waiting := self._waiting(GROUP_MAX):
                group += waiting
            self._receive.close()
            for one in group:
                if not one.finished:
                    one.error = StoreClosed("the writer ended before this was known to be durable")
                    _wake(one)

    def _timely(self, group: list[_Job]) -> list[_Job]:
        """Those of the boot for which is written now. What was queued under one before it, is refused."""
        self._writes_for = self.boot
        if not self.shared:
            return group
        for job in group:
            if job.boot not in (0, self._writes_for):
                job.error = LeaseOver(f"boot {job.boot} is over")
        return [job for job in group if job.error is None]

    def _waiting(self, most: int) -> list[_Job]:
        found: list[_Job] = []
        while len(found) < most:
            try:
                found.append(self._receive.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel, trio.ClosedResourceError):
                break
        return found

    def _tell(self, job: _Job) -> None:
        if job.consequences:
            self.perform(job.consequences)
        _wake(job)

    def _commit(self, group: list[_Job]) -> None:
        if not self._engine.is_alone and any(self.is_by_itself(job.promise) for job in group):
            together = [job for job in group if not self.is_by_itself(job.promise)]
            for part in (together, *([job] for job in group if job not in together)):
                if part:
                    self._commit_together(part)
        else:
            self._commit_together(group)

    def _commit_together(self, group: list[_Job]) -> None:
        if not self._begin(group) or self._try(group):
            return
        for job in group:
            if len(group) > 1:
                self._alone(job)
            if job.error is not None and not isinstance(job.error, HermesError):
                self._past_rows(job)

    def _alone(self, job: _Job) -> None:
        if self._begin([job]):
            self._try([job])

    def _begin(self, group: list[_Job]) -> bool:
        """Begin a transaction; False: it cannot be, and each job has the error."""
        try:
            fenced = self._engine.is_alone or not self.is_by_itself(group[0].promise)
            self._at = self._engine.begin(self._writes_for, fenced=fenced) or self.now()
        except Exception as error:  # noqa: BLE001 - handed to the callers
            self._engine.roll_back()
            for job in group:
                job.error = self._engine.translated(error)
            return False
        return True

    def _past_rows(self, job: _Job) -> None:
        """A promise failed: it met a row that cannot be read, or it is at fault itself. Settle such rows, and
        run it once more if there were any."""
        clearing = _Job(self._clear_the_way, (), self._writes_for)
        self._alone(clearing)
        if isinstance(clearing.error, StoreFailed):
            # The disk has the last word: the rows are looked at again when it is well.
            job.error = clearing.error
            return
        if clearing.result:
            clearing.consequences = [OutOfTheWay(tuple(clearing.result)), *clearing.consequences]
        if clearing.result or self._engine.is_of_rows(job.error):
            with self._engine.tx(self._writes_for, self.now(), self.shared).whole_bytes():
                self._alone(job)
        job.consequences = [*clearing.consequences, *job.consequences]

    def _try(self, group: list[_Job]) -> bool:
        """Commit the group whole, or nothing of it: then False, and each job has the error."""
        try:
            if not self._engine.is_alone:
                self._engine.lock([self.locks_of(job.promise, job.args) for job in group])
            for job in group:
                tx = self._engine.tx(self._writes_for, self._at, self.shared)
                if self.shared:
                    self.enter(tx)
                job.result = job.promise(tx, *job.args)
                if self.shared:
                    self._signals += self.leave(tx)
                job.consequences, job.error = tx.consequences, None
            if self._over:
                raise StoreClosed("nobody waits for it any more")
            self._engine.commit()
        except Exception as error:  # noqa: BLE001 - handed to the caller, whoever made it
            self._engine.roll_back()
            for job in group:
                job.consequences, job.error = (), self._engine.translated(error)
            return False
        return True


def _alone_in_it(_: Tx) -> None:
    """Nobody else writes into the store."""


def _signals_nobody(_: Tx) -> int:
    """Nobody else hears of it."""
    return 0


def _stay(_: _Job) -> trio.lowlevel.Abort:
    return trio.lowlevel.Abort.FAILED


def _leave(job: _Job) -> trio.lowlevel.Abort:
    job.waiter = None
    return trio.lowlevel.Abort.SUCCEEDED


def _wake(job: _Job) -> None:
    job.finished = True
    if job.waiter is not None:
        trio.lowlevel.reschedule(job.waiter)
