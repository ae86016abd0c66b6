"""Connections that are kept for reuse, one stack per origin. Imported late: it needs httpx.

httpx's own pool looks at every connection on every request, and closing one of its streams early leaves
work to the garbage collector. Here a request takes the connection that was used last, or makes one; it speaks
HTTP/1.1 through h11. Closing a connection is synchronous, so no cancellation can interrupt it.
"""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any, cast

import h11
import httpx
import trio

Origin = tuple[str, str, int]
READ_BYTES = 64 * 1024
HEAD_BYTES_MAX = 100 * 1024


def _within(seconds: float | None) -> AbstractContextManager[object]:
    return nullcontext() if seconds is None else trio.fail_after(seconds)


class Connection:
    """One connection to an origin, used by one request at a time."""

    def __init__(self, stream: trio.SocketStream | trio.SSLStream[trio.SocketStream]) -> None:
        self._stream = stream
        self._socket = (stream.transport_stream if isinstance(stream, trio.SSLStream) else stream).socket
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES_MAX)
        self.idle_since = 0.0
        self.write_failed = False

    def close(self) -> None:
        """Close at once, without TLS goodbye: the framing of HTTP says when a message is whole."""
        self._socket.close()

    @property
    def usable(self) -> bool:
        """The server has not closed it. What is readable on an idle connection is its end, or rubbish."""
        return not self._socket.is_readable()

    async def ask(self, request: httpx.Request) -> h11.Response:
        """Send a request and return the head of its response."""
        timeouts = request.extensions.get("timeout") or {}
        try:
            await self._send(request, timeouts.get("write"))
        except httpx.WriteError:
            # A server may refuse a large body before it is whole, so there may be a response to read.
            self.write_failed = True
        read_s = timeouts.get("read")
        while not isinstance(event := await self.event(read_s), h11.Response):
            pass  # 1xx
        return event

    async def _send(self, request: httpx.Request, write_s: float | None) -> None:
        head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
        out = self._spell(head)
        if isinstance(request.stream, httpx.ByteStream):
            out += self._spell(h11.Data(data=request.content))
        else:
            async with aclosing(_chunks(request)) as chunks:
                async for chunk in chunks:
                    await self._write(out + self._spell(h11.Data(data=chunk)), write_s)
                    out = b""
        await self._write(out + self._spell(h11.EndOfMessage()), write_s)

    def _spell(self, event: h11.Event) -> bytes:
        try:
            return self._http.send(event) or b""
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    async def _write(self, data: bytes, write_s: float | None) -> None:
        if not data:
            return
        try:
            with _within(write_s):
                await self._stream.send_all(data)
        except trio.TooSlowError as error:
            raise httpx.WriteTimeout("") from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpx.WriteError(str(error)) from error

    async def event(self, read_s: float | None) -> h11.Event:
        """The next piece of the response: its head, some of its body, its end."""
        while True:
            event = self.event_at_hand()
            if event is not None:
                return event
            try:
                with _within(read_s):
                    data = await self._stream.receive_some(READ_BYTES)
            except trio.TooSlowError as error:
                raise httpx.ReadTimeout("") from error
            except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                raise httpx.ReadError(str(error)) from error
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise httpx.RemoteProtocolError("server disconnected without sending a response")
            self._http.receive_data(bytes(data))

    def event_at_hand(self) -> h11.Event | None:
        """The next piece, if it has been received already."""
        try:
            event = self._http.next_event()
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        if event is h11.NEED_DATA:
            return None
        if event is h11.PAUSED:
            raise httpx.RemoteProtocolError("unasked-for change of protocol")
        return cast("h11.Event", event)

    def rest(self) -> bool:
        """Make ready for the next request; False if that cannot be."""
        http = self._http
        if http.our_state is not h11.DONE or http.their_state is not h11.DONE or http.trailing_data[0]:
            return False  # bytes beyond the response would be taken for the next one
        http.start_next_cycle()
        self.idle_since = trio.current_time()
        return True


class Body(httpx.AsyncByteStream):
    """The body of a response. Its end gives the connection back; closing it early closes the connection."""

    def __init__(
        self, kept: KeptConnections, origin: Origin, connection: Connection, read_s: float | None
    ) -> None:
        self._kept = kept
        self._origin = origin
        self._connection: Connection | None = connection
        self._read_s = read_s

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if self._connection is None:
            raise StopAsyncIteration
        event = await self._connection.event(self._read_s)
        if isinstance(event, h11.Data):
            return bytes(event.data)
        self._give_back()
        raise StopAsyncIteration

    def _give_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._kept.put(self._origin, connection)

    async def aclose(self) -> None:
        """Close the connection, unless all that was left of the body is here already."""
        if self._connection is None:
            return
        try:
            while isinstance(self._connection.event_at_hand(), h11.Data):
                pass
        except httpx.RemoteProtocolError:
            pass  # `put` closes it
        self._give_back()


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
        origin = _origin(request.url)
        connection = self._take(origin)
        if connection is not None:
            try:
                return await self._exchange(origin, connection, request)
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if not (connection.write_failed and isinstance(request.stream, httpx.ByteStream)):
                    raise
        connection = await self._connect(origin, (request.extensions.get("timeout") or {}).get("connect"))
        return await self._exchange(origin, connection, request)

    async def _exchange(
        self, origin: Origin, connection: Connection, request: httpx.Request
    ) -> httpx.Response:
        try:
            head = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        read_s = (request.extensions.get("timeout") or {}).get("read")
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=Body(self, origin, connection, read_s),
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
        )

    async def _connect(self, origin: Origin, connect_s: float | None) -> Connection:
        scheme, host, port = origin
        try:
            with _within(connect_s):
                stream = await trio.open_tcp_stream(host, port)
            if scheme == "http":
                return Connection(stream)
            return Connection(await self._secure(stream, host, connect_s))
        except trio.TooSlowError as error:
            raise httpx.ConnectTimeout("") from error
        except (OSError, UnicodeError, trio.BrokenResourceError) as error:
            raise httpx.ConnectError(str(error.__cause__ or error)) from error

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

    def put(self, origin: Origin, connection: Connection) -> None:
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


class Client(httpx.AsyncClient):
    """An httpx client that also has a straight way to its connections.

    `straight` and `straight_whole` pass by what `httpx.AsyncClient` does around a request (cookies,
    redirects, auth, hooks), none of which our clients have, and which costs as much as the exchange itself.
    """

    def __init__(self, connections: KeptConnections, **options: Any) -> None:
        super().__init__(transport=connections, **options)
        self._connections = connections
        self._every = {"user-agent": "hermes-trio", "accept-encoding": "identity"}

    async def straight(
        self, url: httpx.URL, content: bytes, headers: Mapping[str, str], *, read_s: float | None
    ) -> httpx.Response:
        """Post and return the response with its body unread: read it with `open_body`, then `aclose` it.

        Args:
            read_s: the longest silence, in seconds; None: the caller has deadlines.

        Errors are httpx's. Cancelled: the connection is closed.
        """
        waits = {"connect": self.timeout.connect, "write": self.timeout.write, "read": read_s}
        request = httpx.Request(
            "POST", url, content=content, headers={**self._every, **headers}, extensions={"timeout": waits}
        )
        return await self._connections.handle_async_request(request)

    async def straight_whole(
        self, url: httpx.URL, content: bytes, headers: Mapping[str, str], *, read_s: float | None
    ) -> tuple[int, bytes]:
        """Post and return (status, body)."""
        response = await self.straight(url, content, headers, read_s=read_s)
        body = cast("Body", response.stream)
        try:
            return response.status_code, b"".join([piece async for piece in body])
        finally:
            await body.aclose()
