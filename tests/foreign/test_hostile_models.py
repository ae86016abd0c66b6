"""An endpoint that is broken or means harm: what it says too much, too late, or never."""

from __future__ import annotations

import time
import tracemalloc
from contextlib import asynccontextmanager

import msgspec
import pytest
import trio

from hermes_trio.errors import ModelFailed
from hermes_trio.http.client import open_http_client
from hermes_trio.models.providers.growing_answer import ANSWER_CHARS_MAX, CALLS_MAX, GrowingAnswer
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.models.providers.streamed_call import REST_S
from hermes_trio.values.transcript import ModelRequest, UserEntry
from tests.fakes.http_server import Response, serve_http

WAIT_S = 1.0


class Clock:
    def now(self):
        return 1.8e9


def chunk(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: " + msgspec.json.encode({"choices": [choice]}) + b"\n\n"


ANSWER = chunk({"content": "The whole answer."}) + chunk({}, "stop")


@asynccontextmanager
async def asked(nursery, serve, *args):
    url = await nursery.start(serve, *args)
    async with open_http_client(connect_s=5, read_s=None) as client:
        model = OpenAIModel(
            client, f"{url}/v1", "m", first_byte_s=WAIT_S, between_bytes_s=WAIT_S, clock=Clock()
        )

        async def ask():
            request = ModelRequest(prompt="p", entries=(UserEntry("hi"),))
            return await model.complete(request, key="sk-1", on_text=lambda _: None)

        yield ask
    nursery.cancel_scope.cancel()


async def answer_to(stream):
    """The answer or failure, and how long it took."""

    async def handle(_):
        return Response(200, {"content-type": "text/event-stream"}, stream)

    async with trio.open_nursery() as nursery, asked(nursery, serve_http, handle) as ask:
        began = trio.current_time()
        with trio.fail_after(20):
            try:
                came = await ask()
            except ModelFailed as error:
                came = error
        took = trio.current_time() - began
    return came, took


async def junk(send):
    await send(b"data: {oops\n\n")


async def an_error(send):
    await send(b'data: {"error": {"message": "usage accounting failed", "code": 500}}\n\n')


async def a_deep_one(send):
    await send(b'data: {"choices": [], "x": ' + b"[" * 100_000 + b"\n\n")


async def too_much(send):
    for _ in range(3):
        await send(b"data: " + b"x" * 1_000_000)


async def pings(send):
    await send(b"data: [DONE]\n\n")
    while True:
        await trio.sleep(0.1)
        await send(b": ping\n\n")


async def more_words(send):
    while True:
        await trio.sleep(0.1)
        await send(chunk({"content": "and more"}))


@pytest.mark.parametrize("after", [junk, an_error, a_deep_one, too_much, pings, more_words])
async def test_what_follows_the_end_neither_fails_nor_delays_the_answer(after):
    async def stream(send):
        await send(ANSWER)
        await after(send)

    answer, took_s = await answer_to(stream)
    assert answer.text.startswith("The whole answer.")
    assert answer.finish == "stop"
    assert took_s < REST_S + 1


@pytest.mark.parametrize("after", [junk, an_error, a_deep_one])
async def test_what_comes_together_with_the_end_does_not_fail_the_answer_either(after):
    async def stream(send):
        async def in_one_piece(data):
            await send(ANSWER + data)

        await after(in_one_piece)

    answer, _ = await answer_to(stream)
    assert (answer.text, answer.finish) == ("The whole answer.", "stop")


@pytest.mark.parametrize("sign", [b": ping\n\n", chunk({"content": ""}), b"data: {}\n\n"])
@pytest.mark.parametrize("first", [b"", chunk({"content": "The beginning"})])
async def test_only_tokens_are_life(first, sign):
    async def stream(send):
        await send(first)
        while True:
            await trio.sleep(0.1)
            await send(sign)

    failure, took_s = await answer_to(stream)
    assert failure.kind == "transport"
    assert failure.why.startswith("silent for too long (asked ")
    assert WAIT_S <= took_s < 2 * WAIT_S + 1


async def test_a_thought_is_life():
    async def stream(send):
        for _ in range(15):
            await trio.sleep(0.1)
            await send(chunk({"reasoning_content": "hm"}))
        await send(ANSWER)

    answer, _ = await answer_to(stream)
    assert answer.text == "The whole answer."


async def test_an_answer_without_end_is_cut_and_its_reader_is_told():
    async def stream(send):
        while True:
            await send(chunk({"content": "la " * 3000}))

    answer, _ = await answer_to(stream)
    assert answer.finish == "partial"
    assert ANSWER_CHARS_MAX <= len(answer.text) < ANSWER_CHARS_MAX + 10_000


@pytest.mark.parametrize("size", [1, 450_000])
async def test_calls_without_end_are_a_failure_of_bounded_size(size):
    sent = 0

    async def stream(send):
        nonlocal sent
        for number in range(400):
            function = {"name": "n" * size, "arguments": ""}
            await send(chunk({"tool_calls": [{"index": number, "id": "i" * size, "function": function}]}))
            sent += 1
        await send(chunk({}, "tool_calls"))

    tracemalloc.start()
    failure, _ = await answer_to(stream)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert failure.kind == "transport"
    assert f"more than {CALLS_MAX} calls" in failure.why
    assert most < 32 << 20
    assert sent < 400 or size == 1


@pytest.mark.parametrize("hangs", [False, True], ids=["the connection breaks", "the body does not end"])
@pytest.mark.parametrize(
    ("status", "kind"), [("429 Too Many", "rate_limit"), ("401 Unauthorized", "auth"), ("402 Pay", "quota")]
)
async def test_a_refusal_that_is_cut_short_is_the_refusal_that_it_is(status, kind, hangs):
    head = f"HTTP/1.1 {status}\r\nretry-after: 30\r\ncontent-length: 500\r\n\r\n".encode()

    async def refuse(stream):
        async with stream:
            await stream.receive_some(65536)
            await stream.send_all(head + b'{"error": {"mess')
            if hangs:
                await trio.sleep_forever()

    async def serve(*, task_status):
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        task_status.started(f"http://127.0.0.1:{listener.socket.getsockname()[1]}")
        await trio.serve_listeners(refuse, [listener])

    async with trio.open_nursery() as nursery, asked(nursery, serve) as ask:
        with trio.fail_after(20), pytest.raises(ModelFailed) as raised:
            await ask()
    assert (raised.value.kind, raised.value.retry_after_s) == (kind, 30.0)


def test_an_answer_in_crumbs_costs_what_it_is_long():
    def cost(crumbs):
        answer = GrowingAnswer(lambda _: None, "c")
        began = time.process_time()
        for _ in range(crumbs):
            answer.add_text("é\ud83d")
            answer.add_text("\ude00")
        answer.result()
        return time.process_time() - began

    small = min(cost(5_000) for _ in range(3))
    assert min(cost(20_000) for _ in range(3)) < 4 * 2.5 * small
