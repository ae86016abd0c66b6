"""The writer of SQLite: groups, rollbacks, cancels in a held commit, full disks, a writer's death."""

from __future__ import annotations

import sqlite3

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.errors import StaleTurn, StoreClosed, StoreFailed
from hermes_trio.store.sqlite.store import SqliteStore
from hermes_trio.testing.disk import empty_disk
from hermes_trio.values.consequences import WakeCommands, WakeKey
from hermes_trio.values.stored import Closing
from tests.store.kit import KEY, RULES, Calendar, Held, a_message, a_store


async def a_full_disk(kit) -> None:
    """No page may be added, and none is free."""
    (pages,) = kit.db.execute("pragma page_count").fetchone()
    kit.db.execute(f"pragma max_page_count = {pages}")


def room_again(kit) -> None:
    kit.db.execute("pragma max_page_count = 1000000")


async def test_what_waits_while_a_commit_runs_is_one_group(autojump_clock):
    async with a_store() as kit, trio.open_nursery() as nursery:
        kit.gate.shut = True
        nursery.start_soon(kit.accept, "first")
        await wait_all_tasks_blocked()
        before = kit.gate.groups
        for n in range(20):
            nursery.start_soon(kit.accept, f"m{n}")
        await wait_all_tasks_blocked()
        kit.gate.open()
        await wait_all_tasks_blocked()
        assert kit.gate.groups == before + 1
        assert kit.rows("select count(*) from inbound") == [(21,)]


async def test_an_error_of_one_caller_undoes_that_caller_alone(autojump_clock):
    async with a_store() as kit:
        kit.gate.shut = True
        failed = []

        async def stale() -> None:
            try:
                await kit.store.close_turn(99, Closing(state="finished"))
            except StaleTurn as error:
                failed.append(error)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(kit.accept, "first")
            await wait_all_tasks_blocked()
            nursery.start_soon(kit.accept, "before")
            nursery.start_soon(stale)
            nursery.start_soon(kit.accept, "after")
            await wait_all_tasks_blocked()
            kit.gate.open()
        assert len(failed) == 1
        assert kit.rows("select native from inbound order by native") == [
            ("adaafter",),
            ("adabefore",),
            ("adafirst",),
        ]


async def test_consequences_come_before_the_caller_wakes_and_only_after_the_commit(autojump_clock):
    order = []
    async with a_store() as kit:
        kit.store.perform = lambda what: order.append(("acted", what, kit.db.in_transaction))
        await kit.accept("hello")
        order.append("woke")
    assert order == [("acted", [WakeKey(KEY, 1)], False), "woke"]


async def test_cancelled_while_the_queue_is_full_nothing_is_written(autojump_clock):
    async with a_store() as kit, trio.open_nursery() as nursery:
        kit.gate.shut = True
        nursery.start_soon(kit.accept, "m0")
        await wait_all_tasks_blocked()
        for n in range(1, 65):
            nursery.start_soon(kit.accept, f"m{n}")
        await wait_all_tasks_blocked()
        with trio.move_on_after(1) as scope:
            await kit.accept("never")
        assert scope.cancelled_caught
        kit.gate.open()
        await wait_all_tasks_blocked()
        assert kit.rows("select count(*) from inbound") == [(65,)]
        assert kit.rows("select * from inbound where native = 'adanever'") == []


async def test_cancelled_after_it_is_queued_the_caller_gets_its_result_and_then_the_cancel(autojump_clock):
    got = []
    async with a_store() as kit, trio.open_nursery() as nursery:
        kit.gate.shut = True
        scope = trio.CancelScope()

        async def caller() -> None:
            with scope:
                got.append(await kit.store.accept("memory/main", [a_message("kept")], "7", RULES))
                await trio.lowlevel.checkpoint()
                got.append("went on")

        nursery.start_soon(caller)
        await wait_all_tasks_blocked()
        scope.cancel()
        await wait_all_tasks_blocked()
        assert got == []
        kit.gate.open()
        await wait_all_tasks_blocked()
        assert len(got) == 1
        assert scope.cancelled_caught
        assert await kit.store.cursor("memory/main") == "7"


async def test_a_full_disk_is_told_to_the_caller_and_leaves_nothing(autojump_clock):
    async with a_store() as kit:
        await a_full_disk(kit)
        with pytest.raises(StoreFailed, match="SQLITE_FULL"):
            await kit.accept("x" * 100_000)
        assert kit.rows("select * from inbound") == []
        assert kit.followed == []
        room_again(kit)
        await kit.accept("works again")
        assert kit.rows("select count(*) from inbound") == [(1,)]


async def test_a_lost_transaction_runs_each_of_its_callers_alone_once(autojump_clock):
    """SQLITE_FULL drops the whole transaction, savepoints included; the small ones still fit alone."""
    async with a_store() as kit:
        await kit.accept("first")
        (pages,) = kit.db.execute("pragma page_count").fetchone()
        kit.db.execute(f"pragma max_page_count = {pages + 1}")
        kit.gate.shut = True
        failed = []

        async def greedy() -> None:
            try:
                await kit.accept("y" * 200_000)
            except StoreFailed as error:
                failed.append(str(error))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(kit.accept, "held")
            await wait_all_tasks_blocked()
            nursery.start_soon(kit.accept, "small")
            nursery.start_soon(greedy)
            nursery.start_soon(kit.accept, "/new")
            await wait_all_tasks_blocked()
            kit.followed.clear()
            statements = []
            kit.db.set_trace_callback(statements.append)
            kit.gate.open()
        kit.db.set_trace_callback(None)
        # The held one; the group of three, lost as a whole; each of the three.
        assert statements.count("begin immediate") == 5
        assert len(failed) == 1
        assert "SQLITE_FULL" in failed[0]
        natives = {native for (native,) in kit.rows("select native from inbound")}
        assert natives == {"adafirst", "adaheld", "adasmall", "ada/new"}
        assert sum(isinstance(what, WakeCommands) for what in kit.followed) == 1


async def test_a_disk_that_is_read_only_fails_and_recovers(autojump_clock):
    async with a_store() as kit:
        kit.db.execute("pragma query_only = 1")
        with pytest.raises(StoreFailed):
            await kit.accept("hello")
        kit.db.execute("pragma query_only = 0")
        await kit.accept("hello")
        assert kit.rows("select count(*) from inbound") == [(1,)]


async def test_the_death_of_the_writer_fails_every_waiting_caller(autojump_clock):
    """Those in its group, those in the channel, and those that wait for a place in it."""
    told = []

    async def caller(kit, n: int) -> None:
        try:
            await kit.accept(f"m{n}")
        except StoreClosed:
            told.append(n)

    with pytest.raises(BaseExceptionGroup):  # noqa: PT012
        async with a_store() as kit:
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as nursery:
                    kit.gate.shut = True
                    for n in range(150):
                        nursery.start_soon(caller, kit, n)
                    await wait_all_tasks_blocked()
                    kit.gate.broken = RuntimeError("no thread could be started")
                    kit.gate.open()
            with pytest.raises(StoreClosed):
                await kit.accept("too late")
    assert sorted(told) == list(range(150))


async def test_what_was_told_before_the_writer_died_stays_told(autojump_clock):
    got = []

    async def caller(kit, text: str) -> None:
        try:
            await kit.accept(text)
            got.append((text, "durable"))
        except StoreClosed:
            got.append((text, "unknown"))

    with pytest.raises(BaseExceptionGroup):  # noqa: PT012
        async with a_store() as kit:
            with trio.CancelScope(shield=True):
                async with trio.open_nursery() as nursery:
                    kit.gate.shut = True
                    acted = iter([None, None, RuntimeError("a defect of ours")])

                    def perform(_) -> None:
                        if (error := next(acted)) is not None:
                            raise error

                    kit.store.perform = perform
                    nursery.start_soon(caller, kit, "held")
                    await wait_all_tasks_blocked()
                    nursery.start_soon(caller, kit, "one")
                    await wait_all_tasks_blocked()
                    nursery.start_soon(caller, kit, "two")
                    await wait_all_tasks_blocked()
                    kit.gate.open()
    assert sorted(got) == [("held", "durable"), ("one", "durable"), ("two", "unknown")]


async def test_leaving_commits_what_was_queued(autojump_clock):
    async with a_store() as kit:
        kit.gate.shut = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kit.accept, "queued")
            await wait_all_tasks_blocked()
            kit.gate.open()
        assert kit.rows("select count(*) from inbound") == [(1,)]


async def test_a_disk_that_hangs_is_waited_for_no_longer_than_was_said(autojump_clock):
    """Those in its group, those in the channel, and those that wait for a place in it."""
    told = []

    async def caller(kit, n: int) -> None:
        try:
            await kit.accept(f"m{n}")
        except StoreClosed:
            told.append((n, trio.current_time()))

    async with a_store() as kit, trio.open_nursery() as nursery:
        kit.gate.shut = True
        for n in range(150):
            nursery.start_soon(caller, kit, n)
        await wait_all_tasks_blocked()
        kit.store.end_within(7)
        kit.store.end_within(9)
    assert sorted(told) == [(n, 7.0) for n in range(150)]


async def test_who_only_asks_leaves_at_once(autojump_clock):
    async with a_store() as kit:
        kit.gate.shut = True
        with trio.move_on_after(1) as scope:
            await kit.store.status()
        assert scope.cancelled_caught
        assert trio.current_time() == 1
        kit.gate.open()
        assert (await kit.store.status()).waiting == 0


async def test_a_file_that_another_program_holds_is_waited_for_once_not_once_for_each_caller(tmp_path):
    """All hear of it together: none of them is to blame."""
    path = tmp_path / "hermes.db"
    async with a_store(path) as kit:
        kit.db.execute("pragma busy_timeout = 50")
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin immediate")
        failed, statements = [], []
        kit.db.set_trace_callback(statements.append)

        async def caller(n: int) -> None:
            try:
                await kit.accept(f"m{n}")
            except StoreFailed as error:
                failed.append(str(error))

        async with trio.open_nursery() as nursery:
            kit.gate.shut = True
            nursery.start_soon(caller, 0)
            await wait_all_tasks_blocked()
            for n in range(1, 20):
                nursery.start_soon(caller, n)
            await wait_all_tasks_blocked()
            kit.gate.open()
        kit.db.set_trace_callback(None)
        assert len(failed) == 20
        assert {"locked" in why for why in failed} == {True}
        assert statements.count("begin immediate") == 2
        other.execute("rollback")
        other.close()
        await kit.accept("works again")


async def test_a_disk_that_fails_while_a_row_is_got_out_of_the_way_has_the_last_word(autojump_clock):
    """Whoever met the row hears of the disk, asks again, and never hears of the row."""
    refused = 0
    for nth in range(1, 60):
        db = empty_disk()
        store = SqliteStore(db, Calendar(), Held())
        async with store.serve():
            await store.begin_boot()
            await store.accept("memory/main", [a_message("/new"), a_message("hello")], None, RULES)
            db.execute("update inbound set body = '{' where native = '/new'")
            db.unread_in = nth
            try:
                found = await store.next_command(KEY)
            except StoreFailed:
                refused += 1
                found = await store.next_command(KEY)
            db.unread_in = 0
            assert found is None
            assert [row.outcome for row in await store.ledger()] == ["failed", None]
        db.close()
    assert 10 < refused < 59
