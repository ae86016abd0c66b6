"""The fake Bot API satisfies two clients that were written by others."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx
import trio

from tests.fakes.botapi import TOKEN, FakeBotApi

HERE = Path(__file__).parent


async def witness(nursery, name: str, url: str, done: list[str]) -> trio.Event:
    ended = trio.Event()

    async def run() -> None:
        result = await trio.run_process(
            [sys.executable, "-W", "ignore", str(HERE / name), url, TOKEN],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
        )
        done.append(result.stdout.decode() + result.stderr.decode())
        ended.set()

    nursery.start_soon(run)
    return ended


async def test_python_telegram_bot_accepts_the_fake(nursery):
    fake = FakeBotApi()
    url = await nursery.start(fake.serve)
    asked = fake.push(42, "/start hello @hermes_bot")
    fake.anonymous.add((42, 43))
    said: list[str] = []
    ended = await witness(nursery, "witness_ptb.py", url, said)
    await fake.until(lambda: fake.commands, 15)
    [sent] = fake.sent(42)
    assert (sent.text, sent.reply_to, sent.edits) == ("edited", asked, ["edited"])
    fake.refuse("sendMessage", 429, retry_after=7)
    fake.press(42, sent.message_id, "y")
    with trio.fail_after(15):
        await ended.wait()
    assert said == ["witness satisfied\n"]
    nursery.cancel_scope.cancel()


async def test_aiogram_accepts_the_fake(nursery):
    fake = FakeBotApi()
    url = await nursery.start(fake.serve)
    fake.push(42, "/start")
    said: list[str] = []
    ended = await witness(nursery, "witness_aiogram.py", url, said)
    await fake.until(lambda: fake.sent(42) and fake.sent(42)[0].edits, 15)
    fake.refuse("sendMessage", 403, "Forbidden: bot was blocked by the user")
    fake.press(42, fake.sent(42)[0].message_id, "y")
    with trio.fail_after(15):
        await ended.wait()
    assert said == ["witness satisfied\n"]
    assert fake.sent(42) == []
    assert not fake.pending
    nursery.cancel_scope.cancel()


async def test_the_fake_runs_as_a_process_and_is_controlled_over_http(nursery):
    async with httpx.AsyncClient(trust_env=False) as client:
        process = await trio.lowlevel.open_process(
            [sys.executable, "-m", "tests.fakes.botapi", "--port", "0"], stdout=-1, cwd=HERE.parents[1]
        )
        try:
            with trio.fail_after(10):
                url = (await process.stdout.receive_some()).decode().strip()

            async def control(do: str, **words):
                answer = (await client.post(f"{url}/_control", json={"do": do, **words})).json()
                assert answer["ok"], answer
                return answer["result"]

            async def send(text: str) -> None:
                await client.post(f"{url}/bot{TOKEN}/sendMessage", json={"chat_id": 42, "text": text})

            await control("push", chat=42, text="hello")
            await control("hold", method="sendMessage")
            nursery.start_soon(send, "held back")
            assert await control("wait_held", method="sendMessage")
            state = (await client.get(f"{url}/_state")).json()
            assert (state["held"], state["sent"]["42"][0]["text"]) == (["sendMessage"], "held back")
            await control("release", method="sendMessage")
            await send("second")
            assert await control("wait_sent", chat=42, count=2) == ["held back", "second"]
            late = (
                await client.post(
                    f"{url}/_control",
                    json={"do": "wait_sent", "chat": 42, "count": 3, "within_s": 0.05},
                )
            ).json()
            assert not late["ok"]
        finally:
            process.kill()
            await process.wait()
            await process.stdout.aclose()
