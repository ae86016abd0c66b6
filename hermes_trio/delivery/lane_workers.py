"""The task of a lane: a worker that may be given a delivery that has begun already.

The commit that closes a turn may also begin the delivery of the turn's answer, if the lane is idle. Only one
task may serve a lane. So the turn's task reserves the lane for that commit: the lane's own task does not
start. After the commit it starts, with the delivery in hand if one has begun.
"""

from __future__ import annotations

from collections.abc import Callable

from hermes_trio.runtime.workers import Worker, WorkerTable
from hermes_trio.values.identity import Lane
from hermes_trio.values.stored import Begun


class LaneWorker(Worker):
    """The task of a lane.

    Attributes:
        begun: the delivery that it makes first; None: it looks at its rows.
    """

    __slots__ = ("begun",)

    def __init__(self) -> None:
        super().__init__()
        self.begun: Begun | None = None

    def in_hand(self) -> Begun | None:
        """The delivery that it was given. The second time None."""
        begun, self.begun = self.begun, None
        return begun


class LaneWorkers(WorkerTable[Lane, LaneWorker]):
    """The tasks of lanes."""

    def reserve(self, lane: Lane) -> Callable[[Begun | None], None] | None:
        """Reserve an idle lane for a commit that may begin a delivery in it. None: the lane has a task.

        Returns a function. Nothing is said in the lane until it is called: with the delivery that has begun,
        or None. Whoever has reserved the lane waits only for one promise of the store, which no cancel cuts.
        """
        if lane in self.live:
            return None
        worker = LaneWorker()
        self._reserve(lane, worker)

        def give_back(begun: Begun | None) -> None:
            worker.begun = begun
            self._give_back(lane, worker, starts=begun is not None)

        return give_back
