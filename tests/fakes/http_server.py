"""A small HTTP/1.1 server on trio that fakes are built on.

Keep-alive, pipelining, fixed and chunked bodies both ways, streamed responses, and the misbehaviour that
tests need: hanging up, rubbish on the wire, seeing the client go. Parsed by hand, because the fakes must be
quicker than what is measured against them.

    async def handler(request: Request) -> Response:
        return Response.json({"ok": True})

    url = await nursery.start(serve_http, handler)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import trio

HEAD_MAX = 64 * 1024
BODY_MAX = 64 * 1024 * 1024
REASONS = {status.value: status.phrase for status in HTTPStatus}

Send = Callable[[bytes], Awaitable[None]]


class HangUp(Exception):
    """Raised by a handler or a stream: close the connection here and now, whatever was sent."""


class ClientGone(Exception):
    """The client closed the connection before the response was complete."""


@dataclass(slots=True)
class Request:
    """A request, whole. Header names are lower case; of repeated names the last value counts."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    _wire: _Wire = field(repr=False)

    def json(self) -> Any:
        """The body, decoded from JSON."""
        return msgspec.json.decode(self.body)

    async def disconnected(self) -> None:
        """Return when the client has closed the connection. Call it from one task at a time."""
        await self._wire.until_closed()

    async def unless_gone(self, wait: Callable[[], Awaitable[Any]]) -> Any:
        """Return what `wait()` returns; raise ClientGone when the client goes first, `wait` cancelled."""
        result: list[Any] = []
        async with trio.open_nursery() as nursery:

            async def watch() -> None:
                await self.disconnected()
                nursery.cancel_scope.cancel()

            nursery.start_soon(watch)
            result.append(await wait())
            nursery.cancel_scope.cancel()
        if not result:
            raise ClientGone
        return result[0]


@dataclass(slots=True)
class Response:
    """What to answer.

    Args:
        status: the code.
        headers: more headers; Content-Length and Transfer-Encoding are the server's own.
        body: bytes, sent whole; or `async def stream(send)`, called with a coroutine function that sends
            one chunk. Raise HangUp in it to break off. `send` raises ClientGone when nobody listens.
        close: close the connection after this response.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | Callable[[Send], Awaitable[None]] = b""
    close: bool = False

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        """A JSON answer."""
        heads = {"content-type": "application/json"} | (headers or {})
        return cls(status, heads, msgspec.json.encode(value))


@dataclass(slots=True)
class Raw:
    """These bytes instead of a response, then the connection is closed."""

    data: bytes


@dataclass(slots=True)
class Counts:
    """What the server saw of connections: `now` open, `ever` opened, requests served."""

    now: int = 0
    ever: int = 0
    requests: int = 0
    _fewer: trio.Event = field(default_factory=trio.Event, repr=False)

    def opened(self) -> None:
        """A connection was accepted."""
        self.now += 1
        self.ever += 1

    def closed(self) -> None:
        """A connection has ended."""
        self.now -= 1
        self._fewer.set()
        self._fewer = trio.Event()

    async def fall_to(self, count: int, within_s: float = 2.0) -> None:
        """Return when so many connections are open, or fewer; raise trio.TooSlowError if they stay."""
        with trio.fail_after(within_s):
            while self.now > count:
                await self._fewer.wait()

    async def all_closed(self, within_s: float = 2.0) -> None:
        """Return when no connection is open; raise trio.TooSlowError if one stays."""
        await self.fall_to(0, within_s)


Handler = Callable[[Request], Awaitable[Response | Raw]]


class BadRequest(Exception):
    """What came is not HTTP/1.1. It is answered with 400, then ends the server, so that a test sees it."""


class _Wire:
    """One connection's bytes: read, kept, written."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.kept = bytearray()
        self.closed = False

    async def more(self) -> bool:
        try:
            data = await self.stream.receive_some(65536)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        self.closed = self.closed or not data
        self.kept += data
        return bool(data)

    async def must_have_more(self) -> None:
        if not await self.more():
            raise ClientGone  # in the middle of a request: cancelled, or killed

    async def until_closed(self) -> None:
        while await self.more():
            if len(self.kept) > BODY_MAX:
                raise BadRequest("pipelined without end")

    async def write(self, data: bytes) -> None:
        try:
            await self.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ClientGone from None

    async def line(self) -> bytes:
        while (end := self.kept.find(b"\r\n")) < 0:
            if len(self.kept) > HEAD_MAX:
                raise BadRequest("no end of line")
            await self.must_have_more()
        found = bytes(self.kept[:end])
        del self.kept[: end + 2]
        return found

    async def exactly(self, count: int) -> bytes:
        if count > BODY_MAX:
            raise BadRequest("body too large")
        while len(self.kept) < count:
            await self.must_have_more()
        found = bytes(self.kept[:count])
        del self.kept[:count]
        return found

    async def head(self) -> bytes | None:
        while (end := self.kept.find(b"\r\n\r\n")) < 0:
            if len(self.kept) > HEAD_MAX:
                raise BadRequest("head too large")
            if not await self.more():
                if self.kept:
                    raise ClientGone
                return None
        found = bytes(self.kept[:end])
        del self.kept[: end + 4]
        return found

    async def chunks(self) -> bytes:
        whole = bytearray()
        while size := int((await self.line()).split(b";")[0], 16):
            whole += await self.exactly(size)
            if await self.line():
                raise BadRequest("chunk longer than said")
            if len(whole) > BODY_MAX:
                raise BadRequest("body too large")
        while await self.line():
            pass  # trailers
        return bytes(whole)


async def _read_request(wire: _Wire) -> tuple[Request, bool] | None:
    try:
        head = await wire.head()
        return None if head is None else await _decode_request(wire, head)
    except (BadRequest, ValueError) as error:
        await wire.write(_head(Response(400), False))
        raise BadRequest(str(error)) from error


async def _decode_request(wire: _Wire, head: bytes) -> tuple[Request, bool]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, version = first.split(" ")
    headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
    if not version.startswith("HTTP/1."):
        raise BadRequest(version[:20])
    if headers.get("expect", "").lower() == "100-continue":
        await wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = await wire.chunks()
    else:
        body = await wire.exactly(int(headers.get("content-length", "0")))
    connection = headers.get("connection", "").lower()
    keep = connection == "keep-alive" if version == "HTTP/1.0" else connection != "close"
    path, _, query = target.partition("?")
    fields = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
    return Request(method, unquote(path), fields, headers, body, wire), keep


def _head(response: Response, keep: bool) -> bytes:
    lines = [f"HTTP/1.1 {response.status} {REASONS.get(response.status, 'Status')}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if isinstance(response.body, bytes):
        if response.status != 204:
            lines.append(f"content-length: {len(response.body)}")
    else:
        lines.append("transfer-encoding: chunked")
    if not keep:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _answer(wire: _Wire, method: str, response: Response, keep: bool) -> None:
    head = _head(response, keep)
    if isinstance(response.body, bytes):
        await wire.write(head if method == "HEAD" else head + response.body)
        return
    await wire.write(head)

    async def send(data: bytes) -> None:
        if data:
            await wire.write(b"%x\r\n%b\r\n" % (len(data), data))

    if method != "HEAD":
        await response.body(send)
        await wire.write(b"0\r\n\r\n")


async def _converse(stream: trio.SocketStream, handler: Handler, counts: Counts) -> None:
    wire = _Wire(stream)
    keep = True
    while keep and (read := await _read_request(wire)) is not None:
        request, keep = read
        counts.requests += 1
        response = await handler(request)
        if isinstance(response, Raw):
            await wire.write(response.data)
            return
        keep = keep and not response.close and not wire.closed
        await _answer(wire, request.method, response, keep)


async def serve_http(
    handler: Handler,
    *,
    port: int = 0,
    counts: Counts | None = None,
    task_status: trio.TaskStatus[str] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on 127.0.0.1 until cancelled; `started` gives the base url.

    Args:
        handler: called for each request; connections are served concurrently. An exception of it that is
            not HangUp or ClientGone ends the server, so that a test sees it.
        port: 0 takes a free one.
        counts: filled in while serving.
    """
    counts = counts or Counts()

    async def connection(stream: trio.SocketStream) -> None:
        counts.opened()
        try:
            await _converse(stream, handler, counts)
        except (HangUp, ClientGone):
            pass
        finally:
            counts.closed()
            await trio.aclose_forcefully(stream)

    listeners = await trio.open_tcp_listeners(port, host="127.0.0.1", backlog=2048)
    bound = listeners[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, connection, listeners)
        task_status.started(f"http://127.0.0.1:{bound}")
