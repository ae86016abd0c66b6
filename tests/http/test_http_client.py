"""The HTTP client keeps connections, and never one it should not keep."""

from __future__ import annotations

import ssl
import subprocess
import sys
from contextlib import aclosing
from functools import partial

import httpx
import pytest
import trio
import trio.testing

from hermes_trio.http.client import open_http_client
from tests.fakes.http_server import Counts, HangUp, Raw, Request, Response, serve_http

client_of_tests = partial(open_http_client, connect_s=2, read_s=2)


class Site:
    """A server of a few paths that counts its connections."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.held = trio.Event()
        self.gone = trio.Event()
        self.url = ""
        self.asked: Request | None = None

    async def answer(self, request: Request) -> Response | Raw:
        self.asked = request
        if request.path == "/forever":
            return Response(body=self._drip)
        if request.path == "/hold":
            self.held.set()
            try:
                await request.unless_gone(trio.sleep_forever)
            finally:
                self.gone.set()
        if request.path == "/chunks":
            return Response(body=self._three)
        if request.path == "/bye":
            return Response(body=b"bye", close=True)
        if request.path == "/rubbish":
            return Raw(b"not http at all\r\n\r\n")
        if request.path == "/then-rubbish":
            return Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n")
        if request.path == "/redirect":
            return Response(302, {"location": self.url})
        if request.path == "/hangup":
            raise HangUp
        return Response(body=request.body or request.method.encode())

    async def _drip(self, send) -> None:
        while True:
            await send(b"drop")
            await trio.sleep(0.01)

    async def _three(self, send) -> None:
        for piece in (b"one", b"two", b"three"):
            await send(piece)


@pytest.fixture
async def site(nursery):
    site = Site()
    site.url = await nursery.start(partial(serve_http, site.answer, counts=site.counts))
    yield site
    nursery.cancel_scope.cancel()


async def test_requests_in_a_row_share_one_connection(site):
    async with client_of_tests() as client:
        for _ in range(5):
            assert (await client.post(site.url, content=b"hello")).text == "hello"
        assert (await client.get(f"{site.url}/chunks")).text == "onetwothree"
        assert (await client.head(site.url)).status_code == 200
    assert site.counts.ever == 1
    await site.counts.all_closed()


async def test_requests_at_once_have_one_connection_each_and_all_are_kept(site):
    async with client_of_tests() as client:
        for _ in range(3):
            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(client.get, f"{site.url}/chunks")
        assert site.counts.ever == 20


async def test_no_more_connections_are_kept_than_allowed(site):
    async with client_of_tests(idle_max=3) as client:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(client.get, site.url)
        await site.counts.fall_to(3)
        assert site.counts.now == 3


async def test_an_upload_larger_than_a_write_arrives_whole(site):
    async def body():
        for _ in range(40):
            yield b"x" * 10_000

    async with client_of_tests() as client:
        assert len((await client.post(site.url, content=body())).content) == 400_000
        assert len((await client.post(site.url, content=b"y" * 3_000_000)).content) == 3_000_000


async def test_what_is_asked_has_the_head_that_h11_writes_whatever_was_asked_before(site):
    async with client_of_tests() as client:
        for size in (0, 7, 7, 12345):
            for name in ("one", "Other"):
                headers = {"content-type": "text/plain", "X-Name": name}
                assert await client.ask_whole(site.url, b"x" * size, headers, most_bytes=1 << 20) == (
                    200,
                    b"x" * size or b"POST",
                )
                assert site.asked.headers == {
                    "host": site.url.removeprefix("http://"),
                    "user-agent": "hermes-trio",
                    "accept-encoding": "identity",
                    "content-type": "text/plain",
                    "x-name": name,
                    "content-length": str(size),
                }


@pytest.mark.parametrize(
    "header", [{"x-name": "one\r\nx-other: two"}, {"x name": "one"}, {"x-name": "\u20ac"}]
)
async def test_a_header_that_cannot_be_written_is_refused_each_time(site, header):
    async with client_of_tests() as client:
        for _ in range(2):
            with pytest.raises(httpx.LocalProtocolError):
                await client.ask(site.url, b"", header)
    assert site.counts.ever == 0


async def test_a_cancelled_request_closes_its_connection_and_the_next_one_works(site):
    async with client_of_tests() as client:
        await client.get(site.url)
        with trio.move_on_after(0.1):
            await client.get(f"{site.url}/hold")
        with trio.fail_after(2):
            await site.gone.wait()
        await site.counts.all_closed()
        assert (await client.get(site.url)).text == "GET"
    assert site.counts.ever == 2


async def test_a_stream_that_is_left_early_closes_its_connection(site):
    async with client_of_tests() as client:
        async with client.stream("GET", f"{site.url}/forever") as response:
            async with aclosing(aiter(response.stream)) as body:
                async for piece in body:
                    assert piece.startswith(b"drop")
                    break
        await site.counts.all_closed()


async def test_a_stream_cancelled_while_nobody_reads_closes_its_connection(site):
    async with client_of_tests() as client:
        with trio.move_on_after(0.1):
            async with client.stream("GET", f"{site.url}/forever"):
                await trio.sleep_forever()
        await site.counts.all_closed()


async def test_a_stream_that_is_left_when_all_of_it_has_come_keeps_its_connection(site):
    async with client_of_tests() as client:
        async with client.stream("GET", site.url) as response:
            await trio.testing.wait_all_tasks_blocked()
            assert response.status_code == 200
        assert (await client.get(site.url)).text == "GET"
    assert site.counts.ever == 1


@pytest.mark.parametrize("path", ["/bye", "/then-rubbish"])
async def test_a_connection_the_server_ends_or_spoils_is_not_used_again(site, path):
    async with client_of_tests() as client:
        assert (await client.get(site.url + path)).status_code == 200
        assert (await client.get(site.url)).text == "GET"
    assert site.counts.ever == 2


async def test_a_connection_closed_by_the_server_while_idle_is_not_used():
    async def answer(request: Request) -> Response:
        return Response(body=b"ok")

    async with client_of_tests() as client:
        port = 0
        for _ in range(2):
            async with trio.open_nursery() as nursery:
                url = await nursery.start(partial(serve_http, answer, port=port))
                port = int(url.rsplit(":", 1)[1])
                assert (await client.get(url)).text == "ok"
                nursery.cancel_scope.cancel()


async def test_a_connection_that_is_idle_for_too_long_is_closed_by_itself(site):
    async with client_of_tests(idle_s=0.05) as client:
        await client.get(site.url)
        await site.counts.all_closed()
        await client.get(site.url)
    assert site.counts.ever == 2


async def test_errors_are_those_of_httpx(site):
    async with open_http_client(connect_s=2, read_s=0.1) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.get(f"{site.url}/hold")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{site.url}/rubbish")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(f"{site.url}/hangup")
        with pytest.raises(httpx.UnsupportedProtocol):
            await client.get("ftp://127.0.0.1/file")
        with pytest.raises(httpx.ConnectError, match=r"Connection refused$"):
            await client.get("http://127.0.0.1:1")
        assert (await client.get(f"{site.url}/redirect")).status_code == 302
    await site.counts.all_closed()


async def test_a_failed_request_is_not_sent_again_when_the_server_may_have_had_it(nursery):
    seen = []

    async def answer(request: Request) -> Response:
        seen.append(request.body)
        if request.body == b"second":
            raise HangUp
        return Response(body=b"ok")

    url = await nursery.start(serve_http, answer)
    async with client_of_tests() as client:
        await client.post(url, content=b"first")
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(url, content=b"second")
    assert seen == [b"first", b"second"]
    nursery.cancel_scope.cancel()


async def test_a_request_the_server_cannot_have_had_whole_is_sent_again(nursery):
    connections = 0

    async def answer(stream: trio.SocketStream) -> None:
        nonlocal connections
        connections += 1
        async with stream:
            await stream.receive_some(1000)
            await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst")
            if connections == 1:
                await stream.receive_some(1000)  # of a large upload; then the connection is reset
                return
            while await stream.receive_some(100_000):
                pass

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    await nursery.start(trio.serve_listeners, answer, listeners)
    url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    async with client_of_tests() as client:
        await client.get(url)
        assert (await client.post(url, content=b"x" * 10_000_000)).text == "first"
    assert connections == 2
    nursery.cancel_scope.cancel()


async def test_bytes_beyond_a_response_are_never_taken_for_the_next_one(nursery):
    async def answer(stream: trio.SocketStream) -> None:
        async with stream:
            while await stream.receive_some(1000):
                ok = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"
                await stream.send_all(ok + b"honest" + ok + b"poison")

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    await nursery.start(trio.serve_listeners, answer, listeners)
    url = f"http://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
    async with client_of_tests() as client:
        for _ in range(3):
            assert (await client.get(url)).text == "honest"
    nursery.cancel_scope.cancel()


async def test_an_error_in_the_block_comes_out_as_it_is():
    with pytest.raises(KeyError):
        async with client_of_tests():
            raise KeyError("mine")


async def test_the_log_has_no_url_because_it_may_hold_a_token(site, caplog):
    caplog.set_level("INFO")
    async with client_of_tests() as client:
        await client.get(f"{site.url}/bot12345:token/getMe")
    assert "token" not in caplog.text


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    words = (
        "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    files = ["-keyout", folder / "key", "-out", folder / "cert"]
    subprocess.run(["openssl", *words.split(), *files], check=True, capture_output=True)
    return folder


async def serve_tls(certificate, url: str, *, task_status) -> None:
    """Put TLS before a plain server."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "cert", certificate / "key")
    port = int(url.rsplit(":", 1)[1])

    async def forward(source, sink) -> None:
        while data := await source.receive_some(65536):
            await sink.send_all(data)
        await sink.aclose()

    async def connection(stream) -> None:
        try:
            async with await trio.open_tcp_stream("127.0.0.1", port) as plain, trio.open_nursery() as nursery:
                nursery.start_soon(forward, stream, plain)
                await forward(plain, stream)
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # refused our certificate, or went away

    listeners = await trio.open_ssl_over_tcp_listeners(0, context, host="127.0.0.1", https_compatible=True)
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, connection, listeners)
        task_status.started(f"https://127.0.0.1:{listeners[0].transport_listener.socket.getsockname()[1]}")


async def test_tls_is_verified_and_its_connections_are_kept(site, certificate, nursery):
    url = await nursery.start(serve_tls, certificate, site.url)
    async with client_of_tests(tls=ssl.create_default_context(cafile=certificate / "cert")) as client:
        for _ in range(3):
            assert (await client.post(url, content=b"x" * 100_000)).status_code == 200
        assert site.counts.ever == 1
    async with client_of_tests() as client:
        with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
            await client.get(url)


async def test_what_was_asked_is_not_held_while_its_answer_is_waited_for(site):
    content = bytes(100_000)
    alone = sys.getrefcount(content)
    async with client_of_tests() as client, trio.open_nursery() as nursery:

        async def ask() -> None:
            await client.ask(f"{site.url}/hold", content, {})

        nursery.start_soon(ask)
        await site.held.wait()
        with trio.fail_after(5):
            while sys.getrefcount(content) > alone:
                await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
