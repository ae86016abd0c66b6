"""The task of a session: a worker that also knows its session and the turn that it runs.

Here a turn's scope is cancelled. Who cancels writes first: the turn's row is no longer `running` by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from hermes_trio.runtime.stop_times import LEAVE_S
from hermes_trio.runtime.workers import Worker, WorkerTable
from hermes_trio.turns.concurrency import TurnPermit
from hermes_trio.values.identity import ConversationKey


class SessionWorker(Worker):
    """The task of a key's session.

    Attributes:
        session: the number of the session that it works for.
        permit: the permit of its turns.
    """

    __slots__ = ("_cut", "_turn", "permit", "session")

    def __init__(self, session: int) -> None:
        super().__init__()
        self.session = session
        self.permit: TurnPermit | None = None
        self._turn: tuple[int, trio.CancelScope, Callable[[], None], trio.Event] | None = None
        self._cut = 0

    @contextmanager
    def holding(
        self, turn: int, answered: Callable[[], None]
    ) -> Iterator[Callable[[trio.CancelScope], None]]:
        """The turn is this worker's while the body runs: `answer` and `cut` reach it.

        The body gets a function and calls it with the scope of the turn's nursery. `cut` cancels this scope.

        Args:
            answered: called by `answer`.
        """
        left = trio.Event()

        def reach(scope: trio.CancelScope) -> None:
            self._turn = (turn, scope, answered, left)
            if self._cut == turn:
                scope.cancel(reason="cut before it began")

        try:
            yield reach
        finally:
            self._turn = None
            left.set()

    def cut(self, turn: int, why: str) -> trio.Event | None:
        """Cancel this turn's scope. A turn whose opening has not reached this task yet is cut as it begins.

        Returns an event that is set when the turn has left; None if it has not begun.
        """
        if self._turn is None or self._turn[0] != turn:
            self._cut = turn
            return None
        self._turn[1].cancel(reason=why)
        return self._turn[3]

    @property
    def turn(self) -> int | None:
        """The turn it runs."""
        return self._turn[0] if self._turn is not None else None

    def answer(self, turn: int) -> None:
        """A question of this turn has its answer."""
        if self._turn is not None and self._turn[0] == turn:
            self._turn[2]()

    def left_behind(self) -> None:
        """Give its permit to others."""
        if self.permit is not None:
            self.permit.leave()


class SessionWorkers(WorkerTable[ConversationKey, SessionWorker]):
    """The tasks of sessions by key."""

    def cut(self, key: ConversationKey, turn: int, why: str) -> None:
        """Cancel a turn of the key's task. The task goes on with the next turn.

        If the turn has not left after `LEAVE_S` seconds, its task is left behind, and a new one takes over.
        """
        worker = self.live.get(key)
        left = worker.cut(turn, why) if worker is not None else None
        if worker is not None and left is not None:
            self._nursery.start_soon(self._see_off, key, worker, left, name=f"see off {self._kind} {key}")

    def cut_running(self, key: ConversationKey, why: str) -> None:
        """Cancel the turn that the key's task runs, if it runs one."""
        worker = self.live.get(key)
        if worker is not None and worker.turn is not None:
            self.cut(key, worker.turn, why)

    def answer(self, key: ConversationKey, turn: int) -> None:
        """A question of this turn has its answer."""
        worker = self.live.get(key)
        if worker is not None:
            worker.answer(turn)

    async def _see_off(self, key: ConversationKey, worker: SessionWorker, left: trio.Event) -> None:
        with trio.move_on_after(LEAVE_S):
            await left.wait()
        if not left.is_set() and self.live.get(key) is worker:
            self.leave_behind(key, worker, SessionWorker(worker.session))
