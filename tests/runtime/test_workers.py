"""One task per key that has work: nothing that wakes it is lost, and nothing stays when it is done."""

import itertools
import random
from functools import partial
from types import SimpleNamespace

import pytest
import trio
from trio.lowlevel import checkpoint

from hermes_trio.errors import StoreFailed
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.runtime.outage import OneAsks, Outage
from hermes_trio.runtime.stop_times import LEAVE_S
from hermes_trio.runtime.workers import Worker, WorkerTable
from hermes_trio.testing.scheduling import seeded_scheduling

SEEDS = range(40)


class Lines:
    """A log that keeps what it is told."""

    def __init__(self):
        self.lines = []

    def __getattr__(self, level):
        return lambda event, **fields: self.lines.append((event, fields))


async def nothing(key, worker):
    """There is nothing in the way."""


def keyed(nursery, work, fail_first=nothing, probe=checkpoint):
    """A table whose log is kept."""
    log = Lines()
    does, disk = SimpleNamespace(work=work, fail_first=fail_first), OneAsks(probe, Outage(log))
    table = WorkerTable(nursery, does, "thing", log, seeded_chance("x"), disk)
    return table, log.lines


class Numbered(Worker):
    """The task of a key that works for the session of this number."""

    def __init__(self, session):
        super().__init__()
        self.session = session


class Rows:
    """What a store is for a worker: rows per key and session, and who is at work on them."""

    def __init__(self, chance):
        self.chance = chance
        self.session = {}
        self.waiting = {}
        self.done = []
        self.at_work = set()
        self.met = []

    async def pause(self):
        for _ in range(self.chance.randrange(3)):
            await checkpoint()
        if self.chance.random() < 0.3:
            await trio.sleep(self.chance.random())

    async def work(self, key, worker):
        if key in self.at_work:
            self.met.append(key)
        self.at_work.add(key)
        try:
            while self.session.get(key, 0) == worker.session and self.waiting.get(key):
                row = self.waiting[key][0]
                await self.pause()
                if self.session.get(key, 0) == worker.session and self.waiting[key][:1] == [row]:
                    self.done.append(self.waiting[key].pop(0))
            await self.pause()
        finally:
            self.at_work.discard(key)


@pytest.mark.parametrize("seed", SEEDS)
async def test_nothing_that_was_woken_for_is_left_however_wakes_and_replaces_fall(autojump_clock, seed):
    with seeded_scheduling(seed):
        done, rowed = await play(seed)
    assert sorted(done) == list(range(1, rowed + 1))


async def test_one_seed_is_one_story(autojump_clock):
    stories = []
    for _ in range(3):
        with seeded_scheduling(11):
            stories.append(await play(11))
    assert stories[0] == stories[1] == stories[2]


async def play(seed):
    """Wakes and replaces by the hundred; what was done, and how many rows there were."""
    chance = random.Random(seed)
    rows = Rows(chance)
    async with trio.open_nursery() as nursery:
        table, log = keyed(nursery, rows.work)
        rowed = 0
        for _ in range(300):
            key = chance.choice("abc")
            if chance.random() < 0.2:
                rows.session[key] = rows.session.get(key, 0) + 1
                table.replace(key, Numbered(rows.session[key]), "reset")
            else:
                rowed += 1
                rows.waiting.setdefault(key, []).append(rowed)
                table.wake(key, partial(Numbered, rows.session.get(key, 0)))
            await rows.pause()
        await table.empty()
    assert rows.met == []
    assert log == []
    assert table.live == {}
    assert not table._tasks
    return rows.done, rowed


async def test_a_wake_in_the_workers_last_look_makes_it_look_again(nursery):
    looks = []

    async def work(key, worker):
        looks.append(key)
        if len(looks) == 1:
            table.wake(key)

    table, _ = keyed(nursery, work)
    table.wake("a", Worker)
    await table.empty()
    assert looks == ["a", "a"]


async def test_a_wake_after_the_last_look_starts_a_new_task(nursery):
    looks = []

    async def work(key, worker):
        looks.append(worker)

    table, _ = keyed(nursery, work)
    table.wake("a", Worker)
    await table.empty()
    table.wake("a", Worker)
    await table.empty()
    assert len(set(looks)) == 2


async def test_a_rest_ends_at_its_time_or_at_a_wake(autojump_clock, nursery):
    times = []

    async def work(key, worker):
        times.append(trio.current_time() - began)
        if len(times) < 3:
            await worker.rest(10)
            worker.wake()

    table, _ = keyed(nursery, work)
    began = trio.current_time()
    table.wake("a", Worker)
    await trio.sleep(13)
    table.wake("a", Worker)
    await table.empty()
    assert times == [0, 10, 13]


class Lingers:
    """Work that does not leave for a while when it is cancelled."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.began = []
        self.left = []

    async def work(self, key, worker):
        self.began.append((worker.session, trio.current_time()))
        try:
            if worker.session < 3:
                await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(self.seconds if worker.session < 3 else 0)
            self.left.append((worker.session, trio.current_time()))


async def test_a_successor_waits_for_its_predecessor_to_leave(autojump_clock, nursery):
    slow = Lingers(1.5)
    table, log = keyed(nursery, slow.work)
    table.wake("a", lambda: Numbered(1))
    await trio.sleep(1)
    table.replace("a", Numbered(3), "reset")
    await table.empty()
    assert slow.began == [(1, 0), (3, 2.5)]
    assert log == []


async def test_at_most_two_seconds_then_what_is_left_behind_is_logged_with_its_tasks(autojump_clock, nursery):
    slow = Lingers(30)
    table, log = keyed(nursery, slow.work)
    table.wake("a", lambda: Numbered(1))
    await trio.sleep(1)
    table.replace("a", Numbered(3), "reset")
    await table.empty()
    assert LEAVE_S == 2.0
    assert slow.began == [(1, 0), (3, 3.0)]
    assert log == [("left behind", {"key": "a", "tasks": "thing a"})]
    assert slow.left == [(3, 3.0), (1, 31.0)]


async def test_a_double_replace_while_the_first_lingers_waits_for_the_first(autojump_clock, nursery):
    slow = Lingers(1.5)
    table, log = keyed(nursery, slow.work)
    table.wake("a", lambda: Numbered(1))
    await trio.sleep(1)
    table.replace("a", Numbered(2), "reset")
    await trio.sleep(0.5)
    table.replace("a", Numbered(3), "reset")
    await table.empty()
    assert [session for session, _ in slow.began] == [1, 3]
    assert slow.began[-1] == (3, 2.5)
    assert log == []


async def test_nobody_waits_longer_for_it_when_replaced_again(autojump_clock, nursery):
    slow = Lingers(30)
    table, log = keyed(nursery, slow.work)
    table.wake("a", lambda: Numbered(1))
    await trio.sleep(1)
    table.replace("a", Numbered(2), "reset")
    await trio.sleep(1.5)
    table.replace("a", Numbered(3), "reset")
    await trio.sleep(2.1)
    assert slow.began[-1] == (3, 4.5)
    assert [event for event, _ in log] == ["left behind"]
    await table.empty()


async def test_a_worker_may_replace_itself(autojump_clock, nursery):
    seen = []

    async def work(key, worker):
        seen.append(worker.session)
        if worker.session == 1:
            table.replace(key, Numbered(2), "reset")
            await trio.sleep_forever()

    table, _ = keyed(nursery, work)
    table.wake("a", lambda: Numbered(1))
    await table.empty()
    assert seen == [1, 2]


async def test_a_failing_look_is_logged_and_looked_at_again_after_a_while(autojump_clock, nursery):
    times = []

    async def work(key, worker):
        times.append(trio.current_time())
        if len(times) < 4:
            raise ExceptionGroup("nursery", [ValueError("inner")])

    table, log = keyed(nursery, work)
    table.wake("a", Worker)
    await table.empty()
    waits = [b - a for a, b in itertools.pairwise(times)]
    for n, wait in enumerate(waits):
        assert 0.01 * 2**n <= wait <= 0.1 * 2**n
    assert [fields["failures"] for event, fields in log if event == "worker failed"] == [1, 2, 3]


async def test_what_has_failed_three_times_in_a_row_fails_for_good_and_the_work_goes_on(
    autojump_clock, nursery
):
    rows, done = ["good", "bad", "also bad", "good too"], []

    async def work(key, worker):
        while rows:
            if "bad" in rows[0]:
                raise ValueError(rows[0])
            done.append(rows.pop(0))

    async def fail_first(key, worker):
        return rows.pop(0)

    table, log = keyed(nursery, work, fail_first)
    table.wake("a", Worker)
    await table.empty()
    assert done == ["good", "good too"]
    events = [event for event, _ in log]
    assert events == 2 * [*3 * ["worker failed"], "out of the way"]
    assert [fields["what"] for event, fields in log if event == "out of the way"] == ["bad", "also bad"]


async def test_a_failing_store_says_nothing_about_a_row(autojump_clock, nursery):
    looks = []

    async def work(key, worker):
        looks.append(key)
        if len(looks) < 10:
            raise StoreFailed("SQLITE_FULL") if len(looks) % 4 else ValueError("a row")

    async def fail_first(key, worker):
        raise AssertionError

    table, log = keyed(nursery, work, fail_first)
    table.wake("a", Worker)
    await table.empty()
    assert [event for event, _ in log] == 9 * ["worker failed"]


async def test_a_store_that_fails_for_all_is_told_once_and_all_go_on_when_it_works(autojump_clock, nursery):
    back_at, looks, probes = 20, [], []

    async def fails_until_then():
        await checkpoint()
        if trio.current_time() < back_at:
            raise StoreFailed("SQLITE_FULL")

    async def work(key, worker):
        looks.append((key, trio.current_time()))
        await fails_until_then()

    async def probe():
        probes.append(trio.current_time())
        await fails_until_then()

    table, log = keyed(nursery, work, probe=probe)
    for key in "abc":
        table.wake(key, Worker)
    await table.empty()
    works_at = probes[-1]
    assert back_at <= works_at < back_at + 8
    assert sorted(looks[:3]) == [(key, 0) for key in "abc"]
    assert sorted(looks[3:]) == [(key, works_at) for key in "abc"]
    assert log == [("store fails", {"why": "SQLITE_FULL"}), ("store works", {"after_s": works_at})]


async def test_what_cannot_be_settled_is_tried_again_for_ever(autojump_clock, nursery):
    tried = []

    async def work(key, worker):
        if len(tried) < 5:
            raise ValueError("a row")

    async def fail_first(key, worker):
        tried.append(trio.current_time())
        raise StoreFailed("SQLITE_FULL")

    table, log = keyed(nursery, work, fail_first)
    table.wake("a", Worker)
    await table.empty()
    assert len([event for event, _ in log if event == "still in the way"]) == 5
    assert tried == sorted(set(tried))


async def test_a_failing_key_harms_no_other(autojump_clock, nursery):
    async def work(key, worker):
        if key == "bad" and trio.current_time() < 100:
            raise ValueError
        seen.append(key)

    seen = []
    table, _ = keyed(nursery, work)
    table.wake("bad", Worker)
    table.wake("good", Worker)
    await trio.sleep(1)
    assert seen == ["good"]
    await table.empty()
    assert seen == ["good", "bad"]


async def test_everybody_who_waits_for_the_table_to_be_empty_is_told(autojump_clock, nursery):
    async def work(key, worker):
        await trio.sleep(1)

    table, _ = keyed(nursery, work)
    table.wake("a", Worker)
    with trio.fail_after(2):
        async with trio.open_nursery() as waiting:
            for _ in range(3):
                waiting.start_soon(table.empty)


async def test_cancelled_workers_leave_and_the_table_is_empty(autojump_clock, nursery):
    slow = Lingers(1)
    table, _ = keyed(nursery, slow.work)
    for key in "abc":
        table.wake(key, lambda: Numbered(1))
    await trio.sleep(1)
    table.replace("a", Numbered(2), "reset")
    table.cancel("drain")
    await table.empty()
    assert trio.current_time() == 2
    assert table.live == {}
