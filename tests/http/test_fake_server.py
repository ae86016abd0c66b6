"""The fake HTTP server keeps the protocol, as an independent client sees it."""

from __future__ import annotations

import subprocess
from functools import partial

import pytest
import trio

from tests.fakes.http_server import ClientGone, Counts, HangUp, Raw, Request, Response, serve_http


async def curl(*words: str) -> subprocess.CompletedProcess[bytes]:
    return await trio.run_process(
        ["curl", "-sS", "--max-time", "5", *words], capture_stdout=True, capture_stderr=True, check=False
    )


async def echo(request: Request) -> Response:
    return Response.json({"path": request.path, "query": request.query, "body": request.body.decode()})


async def test_curl_reuses_one_connection_and_gets_its_body_back(nursery):
    counts = Counts()
    url = await nursery.start(partial(serve_http, echo, counts=counts))
    both = await curl("-d", "hello", f"{url}/a%20b?c=d%26", f"{url}/second")
    assert both.stdout == (
        b'{"path":"/a b","query":{"c":"d&"},"body":"hello"}{"path":"/second","query":{},"body":"hello"}'
    )
    assert (counts.ever, counts.requests) == (1, 2)
    nursery.cancel_scope.cancel()


async def test_curl_reads_a_chunked_answer_and_sends_a_chunked_body(nursery):
    async def stream_back(request: Request) -> Response:
        async def stream(send):
            for byte in request.body:
                await send(bytes([byte]) * 3)

        return Response(body=stream)

    url = await nursery.start(serve_http, stream_back)
    got = await curl("-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "-d", "abc", url)
    assert got.stdout == b"aaabbbccc"
    nursery.cancel_scope.cancel()


async def test_curl_sees_a_hang_up_and_rubbish_as_failures(nursery):
    async def misbehave(request: Request) -> Response | Raw:
        if request.path == "/rubbish":
            return Raw(b"this is not http\r\n\r\n")

        async def stream(send):
            await send(b"half")
            raise HangUp

        return Response(body=stream)

    url = await nursery.start(serve_http, misbehave)
    assert (await curl(f"{url}/rubbish")).returncode != 0
    cut = await curl(f"{url}/cut")
    assert (cut.returncode, cut.stdout) == (18, b"half")  # 18: partial file
    nursery.cancel_scope.cancel()


async def test_a_handler_sees_its_client_go(nursery):
    seen = trio.Event()

    async def hold(request: Request) -> Response:
        try:
            await request.unless_gone(trio.sleep_forever)
        except ClientGone:
            seen.set()
            raise
        raise AssertionError

    url = await nursery.start(serve_http, hold)
    assert (await curl("--max-time", "0.2", url)).returncode == 28  # 28: timed out
    with trio.fail_after(2):
        await seen.wait()
    nursery.cancel_scope.cancel()


async def test_what_is_not_http_ends_the_server_so_that_a_test_sees_it():
    with pytest.raises(ExceptionGroup):  # noqa: PT012
        async with trio.open_nursery() as nursery:
            url = await nursery.start(serve_http, echo)
            stream = await trio.open_tcp_stream("127.0.0.1", int(url.rsplit(":", 1)[1]))
            async with stream:
                await stream.send_all(b"GET /\r\n\r\n")
                assert (await stream.receive_some()).startswith(b"HTTP/1.1 400 ")
                await trio.sleep(2)
