"""Connections that are kept for reuse, one stack per origin. Imported late: it needs httpx.

httpx's own pool looks at every connection on every request, and closing one of its streams early leaves
work to the garbage collector. Here a request takes the connection that was used last, or makes one.
"""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any, NamedTuple, cast

import h11
import httpx
import trio

from hermes_trio.http.connection import Body, Connection, SentRequest

Origin = tuple[str, str, int]


def _why(error: BaseException) -> str:
    """Of a host with several addresses, why the first of them was not reached."""
    first = error.__cause__ or error
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return str(first)


def _within(seconds: float | None) -> AbstractContextManager[object]:
    return nullcontext() if seconds is None else trio.fail_after(seconds)


class KeptConnections(httpx.AsyncBaseTransport):
    """The transport: see `hermes_trio.http.open_http_client` for its promises and arguments."""

    def __init__(self, *, idle_s: float, idle_max: int, tls: ssl.SSLContext | None) -> None:
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._idle_s = idle_s
        self._idle_max = idle_max
        self._tls = tls
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request on a kept or new connection and return the response, body unread."""
        timeouts = request.extensions.get("timeout") or {}
        asked = SentRequest(
            h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw),
            request.content if isinstance(request.stream, httpx.ByteStream) else _chunks(request),
            connect_s=timeouts.get("connect"),
            write_s=timeouts.get("write"),
            read_s=timeouts.get("read"),
        )
        head, body = await self.exchange(_origin(request.url), asked)
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=body,
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
        )

    async def exchange(self, origin: Origin, asked: SentRequest) -> tuple[h11.Response, Body]:
        """Send a request on a kept or new connection and return the head of its response, and its body."""
        connection = self._take(origin)
        if connection is not None:
            try:
                return await self._exchange(origin, connection, asked)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not (connection.write_failed and isinstance(asked.body, bytes)):
                    raise
        return await self._exchange(origin, await self._connect(origin, asked.connect_s), asked)

    async def _exchange(
        self, origin: Origin, connection: Connection, asked: SentRequest
    ) -> tuple[h11.Response, Body]:
        try:
            head = await connection.ask(asked)
        except BaseException:
            connection.close()
            raise
        return head, Body(lambda ended: self._put(origin, ended), connection, asked.read_s)

    async def _connect(self, origin: Origin, connect_s: float | None) -> Connection:
        scheme, host, port = origin
        try:
            with _within(connect_s):
                stream = await trio.open_tcp_stream(host, port)
            if scheme == "http":
                return Connection(stream)
            return Connection(await self._secure(stream, host, connect_s))
        except trio.TooSlowError as error:
            raise httpx.ConnectTimeout("nobody took the connection in time") from error
        except (OSError, UnicodeError, trio.BrokenResourceError) as error:
            raise httpx.ConnectError(_why(error)) from error

    async def _secure(
        self, stream: trio.SocketStream, host: str, connect_s: float | None
    ) -> trio.SSLStream[trio.SocketStream]:
        if self._tls is None:
            self._tls = httpx.create_ssl_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        secured = trio.SSLStream(stream, self._tls, server_hostname=host, https_compatible=True)
        try:
            with _within(connect_s):
                await secured.do_handshake()
        except BaseException:
            stream.socket.close()
            raise
        return secured

    def _take(self, origin: Origin) -> Connection | None:
        """The connection that was used last, if one is fit for use."""
        idle = self._idle.get(origin)
        oldest = trio.current_time() - self._idle_s
        while idle:
            connection = idle.pop()
            if connection.idle_since > oldest and connection.usable:
                return connection
            connection.close()
        return None

    def _put(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection whose response has ended, or close it."""
        idle = self._idle[origin]
        if self._closed or len(idle) >= self._idle_max or not connection.rest():
            connection.close()
        else:
            idle.append(connection)

    async def expire(self) -> None:
        """Close connections that are idle for too long, for ever. One task runs this."""
        while True:
            await trio.sleep(self._idle_s)
            oldest = trio.current_time() - self._idle_s
            for origin, idle in list(self._idle.items()):
                for connection in idle:
                    if connection.idle_since <= oldest:
                        connection.close()
                idle[:] = [connection for connection in idle if connection.idle_since > oldest]
                if not idle:
                    del self._idle[origin]

    def close(self) -> None:
        """Close the idle connections now, and those in use when their response ends."""
        self._closed = True
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()

    async def aclose(self) -> None:
        """Close."""
        self.close()


def _chunks(request: httpx.Request) -> AsyncGenerator[bytes]:
    return cast("AsyncGenerator[bytes]", aiter(cast("httpx.AsyncByteStream", request.stream)))


def _origin(url: httpx.URL) -> Origin:
    if url.scheme not in ("http", "https"):
        raise httpx.UnsupportedProtocol(f"not http or https: {url.scheme!r}")
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


class _Place(NamedTuple):
    """An address, taken apart."""

    origin: Origin
    path: bytes
    host: bytes


@lru_cache(maxsize=256)
def _place(url: str) -> _Place:
    parsed = httpx.URL(url)
    return _Place(_origin(parsed), parsed.raw_path, parsed.netloc)


class Response:
    """A response as `Client.ask` gives it: its head, and the body as it arrives. Close the body.

    Attributes:
        status: the HTTP status.
        body: an async iterator of bytes.
    """

    __slots__ = ("_head", "body", "status")

    def __init__(self, head: h11.Response, body: Body) -> None:
        self.status: int = head.status_code
        self.body = body
        self._head = head

    @property
    def headers(self) -> Mapping[str, str]:
        """By lower-case name; the last of those of one name."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self._head.headers}


def _head(place: _Place, size: int, headers: Mapping[str, str]) -> h11.Request:
    """The head of a post. All its headers but one are those of many others, and are looked at once."""
    fields, checked = _checked(place, tuple(headers.items()))
    length = b"%d" % size
    # What h11 makes of a list in each request, by a look at each name and value.
    spelled = fields([*checked, (b"content-length", b"content-length", length)])
    return h11.Request(method=b"POST", target=place.path, headers=spelled)


_Fields = tuple[Callable[[list[Any]], Any], Sequence[tuple[bytes, bytes, bytes]]]


@lru_cache(maxsize=64)
def _checked(place: _Place, headers: tuple[tuple[str, str], ...]) -> _Fields:
    """What h11 keeps headers in, and those of all requests to this place: name, in lower case, value."""
    try:
        spelled = [
            (b"host", place.host),
            (b"user-agent", b"hermes-trio"),
            (b"accept-encoding", b"identity"),
            *((name.encode("ascii"), value.encode("ascii")) for name, value in headers),
        ]
        made = h11.Request(method=b"POST", target=place.path, headers=spelled).headers
    except (h11.LocalProtocolError, UnicodeEncodeError) as error:
        raise httpx.LocalProtocolError(str(error)) from error
    return type(made), [(name, name.lower(), value) for name, value in made.raw_items()]


class Client(httpx.AsyncClient):
    """An httpx client that also has a straight way to its connections.

    `ask` and `ask_whole` leave out what `httpx.AsyncClient` does around a request: cookies, redirects, auth,
    hooks. Our clients use none of these, and they cost as much time as the exchange itself.
    """

    def __init__(self, connections: KeptConnections, **options: Any) -> None:
        super().__init__(transport=connections, **options)
        self._connections = connections

    async def ask(self, url: str, content: bytes, headers: Mapping[str, str]) -> Response:
        """Post and return the response with its body unread: close it with `answer.body.aclose()`.

        Args:
            url: whole, http or https.
            content: the body of the request.
            headers: beside those that every request has.

        Only connecting has a deadline here; the rest is the caller's. Errors are httpx's. Cancelled: the
        connection is closed.
        """
        # Nothing here holds what was asked while its answer is waited for.
        place = _place(url)
        asked = SentRequest(_head(place, len(content), headers), content, connect_s=self.timeout.connect)
        del content, headers
        return Response(*await self._connections.exchange(place.origin, asked))

    async def ask_whole(
        self, url: str, content: bytes, headers: Mapping[str, str], *, most_bytes: int
    ) -> tuple[int, bytes]:
        """Post and return (status, body). Takes `url`, `content` and `headers` as `ask`.

        Args:
            most_bytes: the longest body. Of a longer one nothing is returned: it is an httpx.ReadError.

        Cancelled: the connection is closed.
        """
        answer = await self.ask(url, content, headers)
        body = bytearray()
        try:
            async for piece in answer.body:
                body += piece
                if len(body) > most_bytes:
                    raise httpx.ReadError(f"more than {most_bytes} bytes")
            return answer.status, bytes(body)
        finally:
            await answer.body.aclose()
