"""The task of a session: a worker that also knows its session and the turn that it runs.

Here a turn's scope is cancelled. Who cancels writes first: the turn's row is no longer `running` by then.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from hermes_trio.runtime.stop_times import LEAVE_S
from hermes_trio.runtime.workers import Worker, WorkerTable
from hermes_trio.turns.permits import TurnPermit
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
        self._turn: _TurnBlock | None = None
        self._cut = 0

    def running(self, turn: int, answered: Callable[[], None]) -> _TurnBlock:
        """The turn is this worker's while the body runs: `answer` and `cut` reach it.

        The body gets a function and calls it with the scope of the turn's nursery. `cut` cancels this scope.

        Args:
            answered: called by `answer`.
        """
        return _TurnBlock(self, turn, answered)

    def runs(self, turn: _TurnBlock | None) -> None:
        """From now on this turn is its own; None: none is."""
        self._turn = turn
        if turn is not None and self._cut == turn.id:
            turn.cut("cut before it began")

    def cut(self, turn: int, why: str) -> trio.Event | None:
        """Cancel this turn's scope. A turn whose opening has not reached this task yet is cut as it begins.

        Returns an event that is set when the turn has left; None if it has not begun.
        """
        if self._turn is None or self._turn.id != turn:
            self._cut = turn
            return None
        return self._turn.cut(why)

    @property
    def turn(self) -> int | None:
        """The turn it runs."""
        return self._turn.id if self._turn is not None else None

    def answer(self, turn: int) -> None:
        """A question of this turn has its answer."""
        if self._turn is not None and self._turn.id == turn:
            self._turn.answered()

    def left_behind(self) -> None:
        """Give its permit to others."""
        if self.permit is not None:
            self.permit.leave()


class _TurnBlock:
    """A turn that runs, and a block in which it is reached: see `SessionWorker.running`."""

    __slots__ = ("_left", "_worker", "answered", "id", "scope")

    def __init__(self, worker: SessionWorker, id: int, answered: Callable[[], None]) -> None:
        self.id = id
        self.answered = answered
        self.scope: trio.CancelScope | None = None
        self._worker = worker
        self._left: trio.Event | None = None

    def __enter__(self) -> Callable[[trio.CancelScope], None]:
        return self._reach

    def __exit__(self, *_: object) -> None:
        self._worker.runs(None)
        if self._left is not None:
            self._left.set()

    def _reach(self, scope: trio.CancelScope) -> None:
        self.scope = scope
        self._worker.runs(self)

    def cut(self, why: str) -> trio.Event:
        """Cancel its scope. Returns an event that is set when the turn has left."""
        assert self.scope is not None
        self.scope.cancel(reason=why)
        if self._left is None:
            self._left = trio.Event()
        return self._left


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
