"""A disk that hangs: the limits of a stop hold, and nothing that nobody waits for is written afterwards."""

from __future__ import annotations

import sqlite3
import threading

import pytest
import trio

from hermes_trio import open_gateway
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.store.sqlite.schema import connect
from hermes_trio.store.sqlite.store import SqliteStore
from hermes_trio.testing import MemoryPlatform, RecordingTool, open_world, text, tool

HANGS_S = 600.0


async def the_stop(world) -> float:
    began = world.now
    await world.stop()
    return world.now - began


async def test_a_stop_with_a_turn_at_work(autojump_clock):
    """It waits for the turn, and then three seconds for the disk; the flush has nothing to say."""
    async with open_world(options=GatewayOptions(drain_timeout_s=5)) as world:
        world.model.script(text("x", after_s=1000))
        await world.say("ada", "hello")
        await world.until(seconds=10)
        world.life.store.slow_s = HANGS_S
        assert await the_stop(world) == 5 + 3
        assert [line["why"] for line in world.lines("checkpoint failed")] == ["no commit in time"] * 2
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["x"]


async def test_a_stop_with_an_end_in_the_writers_queue(autojump_clock):
    """Everybody waits for the disk: the stop takes what its parts add up to, and no turn is lost.

    The turn's end holds its lane, since it may begin the call of its answer: what is owed is waited for too.
    """
    async with open_world(options=GatewayOptions(drain_timeout_s=5)) as world:
        world.model.script(text("x", after_s=2))
        await world.say("ada", "hello")
        await world.until(seconds=1)
        world.life.store.slow_s = HANGS_S
        await world.until(seconds=10)
        assert await the_stop(world) == 5 + 2 + 5 + 3
        assert world.db.execute("select state from turn").fetchall() == [("running",)]
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["you said: hello"]  # asked again: nothing of it was kept


async def test_a_stop_with_an_answer_that_is_about_to_be_sent(autojump_clock):
    """Its call has begun with the turn's end, and nobody hears of it: the stop waits no longer."""
    async with open_world(options=GatewayOptions(drain_timeout_s=5)) as world:
        world.life.store.slow_s = 1.0
        world.model.script(text("x", after_s=2))
        await world.say("ada", "hello")
        await world.until(seconds=6.5)
        world.life.store.slow_s = HANGS_S
        await the_stop(world)
        assert world.db.execute("select state from turn").fetchall() == [("finished",)]
        assert world.lines("worker failed") == []
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["x ↻"]  # perhaps it had been said


async def test_a_stop_while_paused_turns_are_let_go_on(autojump_clock):
    """Three starts died, so the fourth lets the turn go on after a minute: then the disk hangs."""
    async with open_world(options=GatewayOptions(stuck_after=100)) as world:
        world.model.script(text("x", after_s=1000))
        await world.say("ada", "hello")
        for _ in range(3):
            await world.until(seconds=world.now + 1)
            world.crash()
            await world.start()
        world.life.store.slow_s = HANGS_S
        await world.until(seconds=world.now + 61)
        assert world.lines("turns paused")
        assert not world.lines("turns released")
        await the_stop(world)
        assert world.db.execute("select state, paused_at is null from turn").fetchall() == [("running", 0)]


async def test_a_host_that_is_cancelled_is_out_in_three_seconds(autojump_clock):
    async with open_world() as world:
        await world.say("ada", "hello")
        world.life.store.slow_s = HANGS_S
        await world.until(seconds=10)
        life = world.life
        life.scope.cancel(reason="the host")
        await life.ended.wait()
        assert world.now == 10 + 3


async def test_a_start_that_is_cancelled_too(autojump_clock):
    db = connect(":memory:")

    async def hangs(work):
        await trio.sleep(HANGS_S)
        work()

    store = SqliteStore(db, SystemClock(), hangs, close=db.close)
    with trio.move_on_after(1) as host:
        async with open_gateway(answers, platforms=[MemoryPlatform()], store=store):
            raise AssertionError("it has not begun")
    assert host.cancelled_caught
    assert trio.current_time() == 1 + 3


async def answers(turn):
    return "done"


class Hung(sqlite3.Connection):
    """Its commits wait for `back`, as in a system call of a server that is away."""

    def __init__(self, *args, **options) -> None:
        super().__init__(*args, **options)
        self.away = False
        self.waits, self.back = threading.Event(), threading.Event()

    def execute(self, sql, parameters=(), /):
        if self.away and sql.startswith("update turn"):
            self.waits.set()
            self.back.wait()
        return super().execute(sql, parameters)


async def test_a_thread_that_hangs_in_a_system_call_is_left_and_commits_nothing_when_it_is_back(tmp_path):
    path = tmp_path / "hermes.db"
    connect(path).close()
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Hung)
    store = SqliteStore(db, SystemClock(), close=db.close)
    began = trio.current_time()
    async with open_gateway(answers, platforms=[MemoryPlatform()], store=store) as gateway:
        await gateway.ready()
        db.away = True
    assert db.waits.is_set()  # the checkpoint
    assert 3 <= trio.current_time() - began < 12
    [thread] = [one for one in threading.enumerate() if one.name == "hermes-trio store"]
    db.back.set()
    await trio.to_thread.run_sync(thread.join)
    with sqlite3.connect(path) as again:
        assert again.execute("select ended_at from boot").fetchall() == [(None,)]
    again.close()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        db.execute("select 1")


async def test_a_tool_that_shields_itself_is_named_once_and_holds_up_nothing_but_the_way_out(autojump_clock):
    """Trio abandons no shielded task: the host waits for it, and knows for whom."""
    pay = RecordingTool("pay", "paid", before_s=100, shielded=True)
    async with open_world(tools=[pay], options=GatewayOptions(drain_timeout_s=5)) as world:
        world.model.script(tool("pay"))
        await world.say("ada", "hello")
        await world.until(seconds=10)
        assert await the_stop(world) == 90
        [line] = world.lines("left behind")
        assert (line["key"], line["tasks"]) == ("memory/main/ada", "session memory/main/ada")
        assert [event.at for event in world.record.of("log") if event.what == "left behind"] == [10 + 5 + 2]
        await world.start()
        await world.settle()
        assert len(world.texts("ada", "final")) == 1
