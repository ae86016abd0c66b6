"""I6: five seconds after kill -9 and a start, or after a stop, no process of an older boot is alive."""

from __future__ import annotations

import json
import sqlite3

import pytest
import trio

from hermes_trio.processes.proc_files import living
from hermes_trio.text import sentences
from tests.crash.stage import open_stage
from tests.fakes.model_script import Call, Item

CHAT = 42
PIPELINE = "sleep 1000 | cat & sleep 1000"
STUBBORN = "trap '' TERM; sleep 1000 & while :; do sleep 1; done"


@pytest.fixture
async def stage(tmp_path):
    async with open_stage(tmp_path) as stage:
        allow_programs(stage)
        yield stage


def allow_programs(stage):
    config = stage.folder / "hermes.toml"
    text = config.read_text()
    text = text.replace('enable = ["now",', 'sandbox = "none"\nenable = ["terminal", "process", "now",')
    config.write_text(f"{text}admins = [{CHAT}]\n")


def calls(tool, **arguments):
    return Item(calls=[Call(tool, json.dumps(arguments))])


def alive(stage):
    with sqlite3.connect(stage.state_dir / "hermes.db") as db:
        (mark,) = db.execute("select mark from mark").fetchone()
    db.close()
    return living(frozenset(), lambda entry: f"={mark}.".encode() in entry)


async def until(wanted, within_s):
    with trio.fail_after(within_s):
        while not wanted():  # noqa: ASYNC110 - a process says nothing of itself
            await trio.sleep(0.02)


@pytest.mark.parametrize("command", [PIPELINE, STUBBORN])
@pytest.mark.parametrize("tool", ["terminal", "process"])
async def test_after_a_kill_and_a_start(stage, tool, command):
    await stage.start()
    action = {"action": "start"} if tool == "process" else {}
    stage.model.push(calls(tool, command=command, **action), Item(text="Started."), Item(text="It was lost."))
    stage.say(CHAT, "go")
    await until(lambda: len(alive(stage)) >= 3, 10)
    if tool == "process":
        await stage.rest(CHAT)
    before = alive(stage)
    await stage.kill9()
    assert alive(stage) == before
    await stage.start()
    await until(lambda: not alive(stage), 5)
    await stage.rest(CHAT)
    shown = [text for text in stage.shown(CHAT) if not text.endswith("↻")]
    assert shown == (["Started.", "It was lost."] if tool == "process" else ["Started."])


async def test_a_restart_ends_them_and_says_so_once(stage):
    await stage.start()
    stage.model.push(
        calls("process", action="start", command=STUBBORN, keep=True),
        Item(text="Started."),
        Item(text="It was lost."),
    )
    stage.say(CHAT, "go")
    await stage.rest(CHAT)
    await until(lambda: len(alive(stage)) >= 2, 10)
    stage.say(CHAT, "/restart")
    await until(lambda: "It was lost." in stage.shown(CHAT), 20)
    assert alive(stage) == []
    await stage.rest(CHAT)
    assert stage.shown(CHAT) == ["Started.", sentences.RESTARTING, sentences.BACK, "It was lost."]


async def test_after_a_stop(stage):
    await stage.start()
    stage.model.push(calls("process", action="start", command=STUBBORN), Item(text="Started."))
    stage.say(CHAT, "go")
    await stage.rest(CHAT)
    await until(lambda: len(alive(stage)) >= 2, 10)
    await stage.stop()
    assert alive(stage) == []
