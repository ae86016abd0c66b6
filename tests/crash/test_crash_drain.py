"""kill -9 in a drain: three conversations at work, five idle, and nobody has said anything for hours."""

from __future__ import annotations

import sqlite3

import pytest

from tests.crash.outside import users
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
