"""What a store knows of programs: a copy of it knows none, and what ended long ago is forgotten."""

from __future__ import annotations

import shutil
import sqlite3

import trio

from hermes_trio.store.sqlite.schema import connect
from hermes_trio.testing import text
from tests.processes.seen import start
from tests.processes.test_real_programs import House, house  # noqa: F401 - a fixture

DAY_H = 24


async def test_two_gateways_on_copies_of_one_store_leave_one_anothers_programs_alone(house, tmp_path):  # noqa: F811
    async with house.open():
        house.say("c", action="start", command="exec sleep 1000")
        await house.shows("c", 1)
        house.say("c", action="start", command="exec env -i sleep 1000")
        await house.shows("c", 2)
        await house.until(lambda alive: alive == 1)
        (tmp_path / "copy").mkdir()
        other = House(tmp_path / "copy")
        copied(house.store, other.store)
        pids = leaders(house.store)
        assert len(pids) == 2
        for _ in range(2):
            async with other.open():
                await trio.sleep(0.1)
                assert other.living() == []
        assert leaders(other.store) == []
        assert len(house.living()) == 1
        house.say("c", "/status")
        assert "In the background, 2" in await house.shows("c", 3)
    async with other.open():
        pass


async def test_after_a_move_it_is_the_same_store(tmp_path):
    first, moved, copy = tmp_path / "first.db", tmp_path / "moved.db", tmp_path / "copy.db"
    mark = opened(first)
    assert opened(first) == mark
    first.rename(moved)
    assert opened(moved) == mark
    shutil.copy(moved, copy)
    assert opened(copy) not in (mark, None)
    assert opened(copy) == opened(copy)
    assert opened(moved) == mark


def opened(path):
    db = connect(path)
    (mark,) = db.execute("select mark from mark").fetchone()
    db.close()
    return mark


def copied(path, to):
    source, target = sqlite3.connect(path), sqlite3.connect(to)
    source.backup(target)
    source.close()
    target.close()


def leaders(path):
    db = sqlite3.connect(path)
    found = db.execute("select pid from process where state = 'running' and pid is not null").fetchall()
    db.close()
    return found


async def test_what_ended_a_day_ago_is_forgotten_and_no_sooner(world):
    world.processes.script("make", prints=[(1, "all good\n")], ends_s=5)
    world.processes.script("serve", ends_s=None)
    world.model.script(start("make"), start("serve"), text("Started."), text("Built."))
    await world.say("ada", "go")
    await world.until(hours=DAY_H)
    await world.stop()
    await world.start()
    assert [command for (command,) in world.db.execute("select command from process")] == ["make", "serve"]
    await world.until(hours=2 * DAY_H + 1)
    world.crash()
    await world.start()
    await world.settle()
    assert world.db.execute("select count(*) from process").fetchone() == (0,)


async def test_each_start_forgets_too(world):
    world.processes.script("make", ends_s=5)
    world.model.script(start("make"), text("Started."), text("Built."), start("make"), text("Started."))
    await world.say("ada", "go")
    await world.until(hours=DAY_H + 1)
    await world.say("ada", "again")
    await world.until(hours=DAY_H + 1.001)
    assert world.db.execute("select id from process").fetchall() == [(2,)]


async def test_an_end_that_has_yet_to_be_told_is_not_forgotten(world):
    world.processes.script("serve", ends_s=None)
    world.model.script(start("serve", keep=True), text("Started."))
    await world.say("ada", "go")
    await world.settle()
    world.crash()
    world.db.execute("update process set state = 'exited', ended_at = at, told = 1")
    world.db.execute("update inbound set outcome = null, state = 'waiting', turn = null where id = 1")
    world.clock.offset += 3 * 86400
    store = world.db.execute("select count(*) from process").fetchone()
    await world.start()
    assert world.db.execute("select count(*) from process").fetchone() == store == (1,)
