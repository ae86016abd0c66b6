"""The bench works: a tiny run measures everything, and wrong answers are no run."""

from __future__ import annotations

import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import httpx
import msgspec
import pytest
import trio

from hermes_trio import open_http_client
from tests.bench.bare import Loop
from tests.bench.chats import BenchModel, Chats
from tests.bench.report import Goal, Report, line
from tests.fakes.botapi import TOKEN
from tests.postgres_server import programs

ROOT = Path(__file__).parents[2]
MEASURED = (
    "messages/s",
    "CPU per message",
    "fake servers and load",
    "latency",
    "/new in a turn",
    "chats of 20 messages",
    "of 60 messages",
    "other turns running",
    "turns at once",
    "peak memory",
    "start to `ready`",
    "entries stored",
    "memory at rest",
    "went to rest",
    "started again",
    "the last one after",
    "as many turns at once",
    "CPU of redaction per message",
)
SHARED = ("on PostgreSQL", "CPU of the daemon per message", "statements per message", "commits per message")


@pytest.mark.timeout(150)
def test_a_tiny_run_measures_everything(tmp_path):
    command = [sys.executable, "-m", "tests.bench", "--tiny", "--json", str(tmp_path / "numbers.json")]
    run = subprocess.run(
        [*command, "--dir", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    report = msgspec.json.decode((tmp_path / "numbers.json").read_bytes(), type=Report)
    shared = SHARED if programs() else ()
    for name in MEASURED + shared:
        assert [one for one in report.lines if name in one.name and one.value >= 0 and one.ratio], name
    assert sum(one.goal is not None for one in report.lines) == 18 + 5 * bool(shared)
    assert re.search(r"CPU per message +[\d.]+ ms +[\d.]+ ms +bare loop +[\d.]+ +<= 1.5 x", run.stdout)
    assert str(tmp_path) not in run.stdout
    assert [path for path in tmp_path.iterdir() if path.name != "numbers.json"] == []


async def test_the_bare_loop_answers_each_chat(nursery):
    chats, model = Chats(), BenchModel()
    api, model_url = await nursery.start(chats.serve), await nursery.start(model.serve)
    async with open_http_client(connect_s=5, read_s=60) as client, trio.open_nursery() as loop:
        loop.start_soon(Loop(client, api, TOKEN, model_url).run)
        [first, last] = await chats.converse([41, 42], 2, 6, lambda: len(chats.took))
        loop.cancel_scope.cancel()
    assert (first, last) == (2, 8)
    assert chats.texts(41)[0] == "you said: hello first 41"
    assert len(chats.texts(41)) + len(chats.texts(42)) == 10


async def test_an_answer_that_nobody_waits_for_ends_the_run():
    with pytest.raises(BaseExceptionGroup) as caught:
        await hear_an_answer_twice(Chats())
    assert caught.group_contains(AssertionError, match="chat 42 was told 'you said: hello'")


async def hear_an_answer_twice(chats: Chats) -> None:
    async with trio.open_nursery() as nursery, open_http_client(connect_s=5, read_s=5) as client:
        url = f"{await nursery.start(chats.serve)}/bot{TOKEN}/sendMessage"
        chats.write(42, "hello")
        await client.post(url, json={"chat_id": 42, "text": "you said: hello"})
        with suppress(httpx.HTTPError):
            await client.post(url, json={"chat_id": 42, "text": "you said: hello"})
        await trio.sleep_forever()


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal("value", "<=", 9), False),
        (Goal("value", ">=", 10), True),
        (Goal("ratio", "<=", 1.9), False),
        (Goal("ratio", "<=", 2), True),
        (Goal("difference", "<=", 4), False),
        (Goal("difference", "<=", 5), True),
    ],
)
def test_a_goal_is_met_or_missed_by_the_medians(goal, met):
    assert line("x", "ms", [1, 10, 90], beside="y", others=[5, 5, 80], goal=goal).met is met
