"""A TCP way to a server that a test can spoil: cut, slow, half closed, or a hole that swallows.

    wire = Wire(to=lambda: trio.open_unix_socket("/run/server"))
    port = await nursery.start(wire.serve)
    wire.swallow()
    ...
    wire.heal()

What is spoilt is spoilt for the connections that stand and for those that come. `seen` is called with what
the client sends, so that a test can act between two of its statements.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress

import trio

CHUNK = 64 * 1024
_LOST = (OSError, trio.BrokenResourceError, trio.ClosedResourceError)
_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: a close that the other end sees as a reset


class Wire:
    """The way of one client to one server.

    Args:
        to: connects to the server.

    Attributes:
        seen: called with each piece that a client has sent, before it is passed on.
        ever: how many connections were taken.
    """

    def __init__(self, to: Callable[[], Awaitable[trio.SocketStream]]) -> None:
        self.seen: Callable[[bytes], None] = lambda data: None
        self.ever = 0
        self._to = to
        self._pairs: set[tuple[trio.SocketStream, trio.SocketStream]] = set()
        self._slow_s = 0.0
        self._refuses = False
        self._opens, self._answers, self._ends = trio.Event(), trio.Event(), trio.Event()
        self.heal()

    async def serve(self, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve on 127.0.0.1 until cancelled; `started` gives the port."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._connection, listeners)
            task_status.started(listeners[0].socket.getsockname()[1])

    # -- what a test does

    def cut(self) -> None:
        """The connections that stand are reset, on both sides. New ones are taken."""
        for pair in self._pairs:
            for stream in pair:
                stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                stream.socket.close()

    def refuse(self) -> None:
        """The connections that stand are reset, and so are new ones."""
        self._refuses = True
        self.cut()

    def half_close(self) -> None:
        """The server is told that its client has gone, and the client nothing. New connections are well."""
        self._ends = trio.Event()
        for _, server in self._pairs:
            with suppress(*_LOST):
                server.socket.shutdown(socket.SHUT_WR)

    def slow(self, seconds: float) -> None:
        """Each piece is late by this, each way."""
        self._slow_s = seconds

    def swallow(self) -> None:
        """Nothing arrives any more on either side, and nobody is told: as a cable that was pulled."""
        self._opens = trio.Event()

    def lose_answers(self) -> None:
        """What the client sends arrives, and nothing that the server says."""
        self._answers = trio.Event()

    def heal(self) -> None:
        """All is passed on again, also what was kept back."""
        self._slow_s, self._refuses = 0.0, False
        for one in (self._opens, self._answers, self._ends):
            one.set()

    # -- how it is done

    async def _connection(self, client: trio.SocketStream) -> None:
        self.ever += 1
        await self._opens.wait()
        with suppress(*_LOST):
            if self._refuses:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            else:
                await self._joined(client, await self._to())
        await trio.aclose_forcefully(client)

    async def _joined(self, client: trio.SocketStream, server: trio.SocketStream) -> None:
        pair = (client, server)
        self._pairs.add(pair)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pass_on, client, server, True, nursery.cancel_scope)
                nursery.start_soon(self._pass_on, server, client, False, nursery.cancel_scope)
        finally:
            self._pairs.discard(pair)
            await trio.aclose_forcefully(server)

    async def _pass_on(
        self, one: trio.SocketStream, other: trio.SocketStream, is_client: bool, both: trio.CancelScope
    ) -> None:
        with suppress(*_LOST):
            while data := await one.receive_some(CHUNK):
                if is_client:
                    self.seen(data)
                if self._slow_s:
                    await trio.sleep(self._slow_s)
                await self._opens.wait()
                if not is_client:
                    await self._answers.wait()
                await other.send_all(data)
        await self._ends.wait()
        both.cancel(reason="one side has gone")
