"""Killed in a drain (K9), or hurried: what was at work goes on, what came meanwhile is kept."""

from __future__ import annotations

import sqlite3

import pytest

from tests.crash.checks import MARK
from tests.crash.outside import users
from tests.crash.points import drain_runs
from tests.crash.stage import CHAT
from tests.fakes.model_script import Item

RUNNING = (41, 42, 43)
IDLE = (44, 45, 46, 47, 48)
HOURS_S = 5 * 3600.0


def is_time(column):
    return column in ("at", "until", "due") or column.endswith("_at")


def age(file):
    """Make the store what a daemon whose wall clock was hours behind had written."""
    db = sqlite3.connect(file)
    with db:
        for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
            columns = {row[1] for row in db.execute(f"pragma table_info({table})")}
            for column in filter(is_time, columns):
                db.execute(f"update {table} set {column} = {column} - {HOURS_S}")
    db.close()


async def at_once(stage):
    """The signal is sent, and nothing is known of what it did."""


async def at_its_first_line(stage):
    await stage.daemon.says("stopping")


async def after_the_checkpoint(stage):
    await stage.daemon.says("checkpoint", "turns=3")


async def in_the_wait(stage):
    await stage.daemon.says("checkpoint", "turns=3")
    stage.say(IDLE[0], "anybody there?")
    await stage.telegram.wait_sent(IDLE[0], 2)


async def hurried(stage):
    """In the moment of the second signal: what runs is cancelled, and the end is written or not."""
    await stage.daemon.says("checkpoint", "turns=3")
    stage.daemon.signal(15)


@pytest.mark.parametrize("point", [at_once, at_its_first_line, after_the_checkpoint, in_the_wait, hurried])
async def test_a_kill_in_a_drain_costs_no_conversation_its_history(stage, point):
    """Three conversations are at work, five idle, and nobody has said anything for hours."""
    await stage.start()
    for chat in (*RUNNING, *IDLE):
        stage.say(chat, f"old {chat}")
    await stage.answered()
    await stage.stop()
    age(stage.state_dir / "hermes.db")
    stage.model.push(*[Item(hold=0) for _ in RUNNING])
    await stage.start()
    for chat in RUNNING:
        stage.say(chat, f"work {chat}")
    await stage.model.until_held(len(RUNNING))
    stage.daemon.signal(15)
    await point(stage)
    await stage.kill9()
    asked = len(stage.model.calls)
    await stage.start()
    for chat in IDLE:
        stage.say(chat, f"new {chat}")
    await stage.answered()
    first = {}
    for called in stage.model.calls[asked:]:
        said = users(called)
        first.setdefault(said[0], said)
    came = {IDLE[0]: ["anybody there?"]} if point is in_the_wait else {}
    for chat in RUNNING:
        assert first[f"old {chat}"] == [f"old {chat}", f"work {chat}"]
    for chat in IDLE:
        assert first[f"old {chat}"] in (
            [f"old {chat}", *came.get(chat, [f"new {chat}"])],
            [f"old {chat}", *came.get(chat, []), f"new {chat}"],
        )
    assert len(stage.daemon.said("resume verdict", "verdict=resume")) == len(RUNNING)
    assert len(stage.daemon.said("resume verdict")) == len(RUNNING)
    await stage.verify(but=frozenset(came))


async def test_what_was_cut_short_in_the_middle_of_a_shutdown_goes_on_and_what_came_meanwhile_is_kept(stage):
    await stage.start()
    await drain_runs(stage, "hello")
    stage.say(CHAT + 1, "anybody there?")
    await stage.telegram.wait_sent(CHAT + 1)
    await stage.telegram.wait_confirmed()
    await stage.lives_again()
    notice, *repeat, answer = stage.shown(CHAT + 1)
    assert "going down" in notice
    assert repeat in ([], [notice + MARK])  # its receipt may not have been written
    assert answer == "you said: anybody there?"
    await stage.verify(but=frozenset({CHAT + 1}))


async def test_a_turn_that_ends_within_the_shutdown_is_answered_before_it(stage):
    await stage.start()
    await drain_runs(stage, "hello")
    stage.model.release()
    assert await stage.daemon.ended() == 0
    assert stage.shown(CHAT) == ["you said: hello"]
    await stage.start()
    await stage.answered()
    assert len(stage.daemon.said("resume verdict", "verdict=clean")) == 1
    await stage.verify()


async def test_a_turn_that_a_hurried_shutdown_cut_goes_on_after_it(stage):
    await stage.start()
    await drain_runs(stage, "hello")
    await stage.stop()  # the second signal
    assert stage.shown(CHAT) == []
    await stage.start()
    await stage.answered()
    await stage.verify()
