"""The fakes as processes of their own: held and released from outside, and not stopped when we are."""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial

import pytest
import trio

from hermes_trio.http.client import open_http_client
from tests.models.provider_cases import Side


@pytest.fixture(params=["openai", "anthropic"])
async def side(request):
    command = [sys.executable, "-m", f"tests.fakes.{request.param}_server", "--gap-ms", "20"]
    async with trio.open_nursery() as nursery:
        process = await nursery.start(partial(trio.run_process, command, stdout=subprocess.PIPE))
        async with process.stdout, open_http_client(connect_s=2, read_s=5) as client:
            side = Side(request.param, client)
            side.client = client
            side.url = (await process.stdout.receive_some()).decode().strip()
            yield side
        nursery.cancel_scope.cancel()


async def control(side, **words) -> dict:
    return (await side.client.post(f"{side.url}/_control", json=words)).json()


async def test_a_call_is_held_and_released_from_outside(side):
    await control(side, push=[{"text": "at last", "hold": 1}])
    answers = []

    async def ask() -> None:
        answers.append(await side.ask())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        held = (await side.client.get(f"{side.url}/_held?wait_s=4")).json()
        assert (held["held"], held["calls"][0]["became"], held["calls"][0]["key"]) == (1, "held", "sk-test")
        assert answers == []
        await control(side, release=True)
    assert answers[0].text == "at last"
    assert (await side.client.get(f"{side.url}/_held?wait_s=0")).status_code == 504


async def test_a_process_that_stood_still_while_its_answer_came_finds_it(side):
    await control(side, default={"text": "x" * 200, "gap_ms": 20})

    async def stand_still() -> None:
        await trio.sleep(0.1)
        time.sleep(0.8)  # noqa: ASYNC251

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stand_still)
        answer = await side.ask(between_bytes_s=0.3)
    assert (answer.text, answer.finish) == ("x" * 200, "stop")
