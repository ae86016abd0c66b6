"""One connection, speaking HTTP/1.1 through h11: a request out, the response in, piece by piece.

Closing a connection is synchronous, so no cancellation can interrupt it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import cast

import h11
import httpx
import trio

READ_BYTES = 64 * 1024
HEAD_BYTES_MAX = 100 * 1024


class SentRequest:
    """A request as it goes over a connection. What is out is let go: an answer may take minutes.

    Args:
        connect_s: for a connection and its TLS, each, in seconds.
        write_s: for one piece of it; None: the caller has a deadline.
        read_s: between two pieces of the response; None: the caller has a deadline.
    """

    __slots__ = ("body", "connect_s", "head", "read_s", "write_s")

    def __init__(
        self,
        head: h11.Request,
        body: bytes | AsyncGenerator[bytes],
        *,
        connect_s: float | None,
        write_s: float | None = None,
        read_s: float | None = None,
    ) -> None:
        self.head = head
        self.body = body
        self.connect_s = connect_s
        self.write_s = write_s
        self.read_s = read_s

    def release(self) -> None:
        """It is out, and is not sent again."""
        self.head, self.body = _OUT, b""


_OUT = h11.Request(method=b"GET", target=b"/", headers=[(b"host", b"")])


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

    async def ask(self, asked: SentRequest) -> h11.Response:
        """Send a request and return the head of its response."""
        try:
            await self._send(asked)
            asked.release()
        except httpx.WriteError:
            # A server may refuse a large body before it is whole, so there may be a response to read.
            self.write_failed = True
        while not isinstance(event := await self.event(asked.read_s), h11.Response):
            pass  # 1xx
        return event

    async def _send(self, asked: SentRequest) -> None:
        out = self._spell(asked.head)
        if isinstance(asked.body, bytes):
            out += self._spell(h11.Data(data=asked.body))
        else:
            async with aclosing(asked.body) as chunks:
                async for chunk in chunks:
                    await self._write(out + self._spell(h11.Data(data=chunk)), asked.write_s)
                    out = b""
        await self._write(out + self._spell(h11.EndOfMessage()), asked.write_s)

    def _spell(self, event: h11.Event) -> bytes:
        try:
            return self._http.send(event) or b""
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    async def _write(self, data: bytes, write_s: float | None) -> None:
        if not data:
            return
        try:
            if write_s is None:
                await self._stream.send_all(data)
            else:
                with trio.fail_after(write_s):
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
                if read_s is None:
                    data = await self._stream.receive_some(READ_BYTES)
                else:
                    with trio.fail_after(read_s):
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
    """The body of a response. Its end gives the connection back; closing it early closes the connection.

    Args:
        give_back: takes the connection when the response has ended, or is given up.
    """

    def __init__(
        self, give_back: Callable[[Connection], None], connection: Connection, read_s: float | None
    ) -> None:
        self._put = give_back
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
            self._put(connection)

    async def aclose(self) -> None:
        """Close the connection, unless all that was left of the body is here already."""
        if self._connection is None:
            return
        try:
            while isinstance(self._connection.event_at_hand(), h11.Data):
                pass
        except httpx.RemoteProtocolError:
            pass  # it is closed when it is given back
        self._give_back()
