"""A cut and an answer reach the turn they name, and nobody else."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import structlog
import trio

from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.runtime.outage import OneAsks, Outage
from hermes_trio.turns.session_workers import SessionWorker, SessionWorkers


class Bench:
    """A table of workers whose work a test writes, with the lines it logs."""

    def __init__(self, nursery, work) -> None:
        self.lines: list[dict] = []

        def keep(_, level, fields):
            self.lines.append(dict(fields))
            raise structlog.DropEvent

        log = structlog.wrap_logger(structlog.PrintLogger(), processors=[keep])
        does = SimpleNamespace(work=work, fail_first=self.nothing_in_the_way)
        disk = OneAsks(trio.lowlevel.checkpoint, Outage(log))
        self.table = SessionWorkers(nursery, does, "bench", log, seeded_chance("bench"), disk)

    async def nothing_in_the_way(self, key, worker) -> None:
        """Its failures are no row's."""

    def events(self) -> list[str]:
        return [line["event"] for line in self.lines]


async def test_a_wake_ends_the_rest_of_one_that_failed(autojump_clock):
    looks = []

    async def work(key, worker):
        looks.append(trio.current_time())
        if len(looks) < 12:
            raise ValueError("not yet")

    async with trio.open_nursery() as nursery:
        bench = Bench(nursery, work)
        bench.table.wake("a", partial(SessionWorker, 1))
        while len(looks) < 11:  # noqa: ASYNC110
            await trio.sleep(0.1)
        now = trio.current_time()
        bench.table.wake("a", partial(SessionWorker, 1))
        await bench.table.empty()
        assert looks[-1] == now


async def test_a_cut_reaches_only_the_turn_it_names(autojump_clock):
    worker = SessionWorker(1)
    with trio.CancelScope() as scope, worker.running(7, lambda: None) as reach:
        reach(scope)
        worker.cut(6, "late")
        await trio.sleep(1)
    assert not scope.cancelled_caught


async def test_an_answer_reaches_only_the_turn_it_names():
    worker, told = SessionWorker(1), []
    worker.answer(7)
    with worker.running(7, lambda: told.append(7)) as reach:
        reach(trio.CancelScope())
        worker.answer(6)
        worker.answer(7)
    assert told == [7]


async def test_a_turn_that_leaves_in_time_is_not_left_behind(autojump_clock):
    async def work(key, worker):
        with trio.CancelScope() as scope, worker.running(7, lambda: None) as reach:
            reach(scope)
            await trio.sleep_forever()
        await trio.sleep(10)

    async with trio.open_nursery() as nursery:
        bench = Bench(nursery, work)
        bench.table.wake("a", partial(SessionWorker, 1))
        await trio.sleep(1)
        worker = bench.table.live["a"]
        bench.table.cut("a", 7, "stop")
        await trio.sleep(5)
        assert bench.table.live["a"] is worker
        assert bench.events() == []
        await bench.table.empty()


async def test_a_cancel_meets_a_turn_that_has_not_reached_its_task_yet():
    met = []

    async def work(key, worker):
        worker.cut(7, "stop")
        with trio.CancelScope() as scope, worker.running(7, lambda: None) as reach:
            reach(scope)
            await trio.sleep_forever()
        met.append(scope.cancelled_caught)
        with trio.CancelScope() as scope, worker.running(8, lambda: None) as reach:
            reach(scope)
            await trio.lowlevel.checkpoint()
        met.append(scope.cancelled_caught)

    async with trio.open_nursery() as nursery:
        bench = Bench(nursery, work)
        bench.table.wake("a", partial(SessionWorker, 1))
    assert met == [True, False]
