"""What the task of a lane has beside that of any key: a part whose call has begun already.

A lane is served by one task. While the commit that closes a turn is under way, and may begin the call of what
the turn says, that task is the turn's: it holds the lane, and hands it over when it knows what became of it.
"""

from __future__ import annotations

from collections.abc import Callable

from hermes_trio.ports.store import Begun
from hermes_trio.runtime.workers import Worker, WorkerTable
from hermes_trio.values.identity import Lane


class LaneWorker(Worker):
    """The task of a lane.

    Attributes:
        begun: what it says first; None: what its rows say.
    """

    __slots__ = ("begun",)

    def __init__(self) -> None:
        super().__init__()
        self.begun: Begun | None = None

    def in_hand(self) -> Begun | None:
        """What it was given to say, once."""
        begun, self.begun = self.begun, None
        return begun


class LaneWorkers(WorkerTable[Lane, LaneWorker]):
    """The tasks of lanes."""

    def hold(self, lane: Lane) -> Callable[[Begun | None], None] | None:
        """Keep an idle lane for a commit that may begin a call; None: its task has something to do.

        Nothing is said in it until what is returned is called, with what was begun, or None for nothing.
        Whoever holds it awaits one promise of the store meanwhile, which no cancel cuts short.
        """
        if lane in self.live:
            return None
        worker = LaneWorker()
        self._hold(lane, worker)

        def release(begun: Begun | None) -> None:
            worker.begun = begun
            self._release(lane, worker, starts=begun is not None)

        return release
