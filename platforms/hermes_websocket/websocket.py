"""The websocket as a platform: clients of this machine, each of them a chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_server_stream
from wsproto.utilities import ProtocolError

from hermes_trio import (
    Capabilities,
    Chance,
    Delivery,
    Intake,
    IntakeClosed,
    Message,
    Part,
    PlatformDown,
    Policy,
    Receipt,
    Secret,
    SendRefused,
    split_markdown,
)
from hermes_websocket.before_hello import Measured, Newcomers
from hermes_websocket.connection import HELLO_S, Connection, Refused, greet
from hermes_websocket.connections import Connections
from hermes_websocket.door import MAIN, close_door, own_port, own_token, port_file, token_file
from hermes_websocket.options import Options
from hermes_websocket.translate import PLATFORM, USER, frame_of
from hermes_websocket.wire import FRAME_MAX, GOING_AWAY, Hello, Typing

CONNECTIONS_MAX = 100
_CLOSE_S = 0.1
"""For a close frame and its answer, on this machine. After a stop nobody reads that answer."""
_BROKEN = (
    ConnectionClosed,
    HandshakeError,
    ProtocolError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    trio.TooSlowError,
    OSError,
    UnicodeError,
)
"""What a connection may end in through its client's doing; it ends no other."""


class Websocket:
    """A Platform on a port of this machine. A delivery is done when its client has confirmed it.

    Args:
        state_dir: holds the account's token file and port file.
        chance: makes the token, and keys for what the outbox gave none.
        learn: told the token, which is a secret of this gateway.
    """

    name = PLATFORM
    capabilities = Capabilities(
        text_max=100_000, can_edit=True, can_delete=True, can_type=True, takes_key=True, live_every_s=0.1
    )
    policy = Policy(allow_users=(USER,), admins=(USER,))

    def __init__(
        self,
        options: Options,
        *,
        state_dir: Path,
        chance: Chance,
        account: str = MAIN,
        learn: Callable[[Secret], None] = lambda secret: None,
    ) -> None:
        self.account = account
        self._options = options
        self._token_file = token_file(state_dir, account)
        self._port_file = port_file(state_dir, account)
        self._learn = learn
        self._prefix = f"{chance.getrandbits(64):016x}"
        self._made = 0
        self._chance = chance
        self._known = 0
        self._newcomers = Newcomers()
        self._clients = Connections()
        self._intake: Intake | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Own the connections; at the end every client is told that the gateway goes down.

        They outlast `serve`: what is owed can be said, and confirmed, when nothing is taken any more.
        """
        async with trio.open_nursery() as self._connections:
            yield
            self._connections.cancel_scope.cancel()

    async def serve(self, intake: Intake) -> None:
        """Listen until cancelled. Needs `open`, which owns who came in.

        Raises:
            PlatformDown: the port cannot be bound, or the files in state_dir not written.
            AccountRefused: the token file is not fit to be used.
        """
        token = own_token(self._token_file, self._chance)
        self._learn(token)
        host = "127.0.0.1" if self._options.host == "localhost" else self._options.host
        try:
            listeners = await trio.open_tcp_listeners(self._options.port, host=host)
        except OSError as error:
            raise PlatformDown(f"port {self._options.port} of {host}: {error}") from error
        try:
            own_port(self._port_file, host, listeners[0].socket.getsockname()[1])
            self._intake = intake
            intake.received()
            await trio.serve_listeners(
                partial(self._converse, token=token), listeners, handler_nursery=self._connections
            )
        finally:
            self._intake = None
            close_door(self._port_file)
            for listener in listeners:
                listener.socket.close()

    async def deliver(self, delivery: Delivery) -> Receipt:
        """Send a frame to the chat's client; done when it has confirmed it.

        A reconnect while this waits sends the frame again, with its key.

        Raises:
            NotSent: the client is not connected.
            SendUnknown: no receipt within 10 s.
            SendRefused: the op is none of a websocket.
        """
        await trio.lowlevel.checkpoint()  # what fails before it is sent is a checkpoint too
        client = delivery.address.chat
        if delivery.op == "typing":
            await self._clients.show_typing(client, Typing(chat=delivery.address.thread))
            return Receipt()
        if delivery.op not in ("send", "edit", "delete"):
            raise SendRefused(f"a websocket cannot {delivery.op}")
        frame = frame_of(delivery, self._key(delivery))
        await self._clients.ask(client, frame)
        return Receipt(frame.id)

    def split(self, text: str) -> Sequence[Part]:
        """Render markdown and split it into parts of at most `capabilities.text_max - 4` code points."""
        return split_markdown(text, limit=self.capabilities.text_max - 4, unit=self.capabilities.unit)

    def _key(self, delivery: Delivery) -> str:
        """The outbox's key for a send. Each edit is another one, also of the same message."""
        if delivery.op == "send" and delivery.key:
            return delivery.key
        self._made += 1
        return f"{self._prefix}.{self._made}"

    async def _hear(self, message: Message) -> bool:
        """Return when it is durable. False: nothing is taken any more, so its client has to say it again."""
        intake = self._intake
        if intake is None:
            await trio.lowlevel.checkpoint()
            return False
        try:
            await intake.accept([message])
        except IntakeClosed:
            return False
        intake.received()
        return True

    async def _converse(self, stream: trio.SocketStream, *, token: Secret) -> None:
        """Own a connection until its end, which harms no other."""
        try:
            if self._known < CONNECTIONS_MAX:
                async with trio.open_nursery() as nursery:
                    await self._serve_one(nursery, stream, token)
                    nursery.cancel_scope.cancel()
        except* _BROKEN:
            pass  # the client went, or what it spoke was no websocket
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve_one(self, nursery: trio.Nursery, stream: trio.SocketStream, token: Secret) -> None:
        with self._newcomers.place(nursery.cancel_scope):
            measured = Measured(stream)
            with trio.fail_after(HELLO_S):
                request = await wrap_server_stream(nursery, measured, max_message_size=FRAME_MAX)
                ws = await request.accept()
            try:
                hello = await greet(ws, token)
            except Refused as refused:
                with trio.move_on_after(_CLOSE_S):
                    await ws.aclose(refused.code, str(refused))
                return
            measured.known = True
        self._known += 1
        try:
            await self._talk(ws, hello)
        finally:
            self._known -= 1

    async def _talk(self, ws: WebSocketConnection, hello: Hello) -> None:
        connection, code = Connection(ws, hello.client), GOING_AWAY
        try:
            try:
                await self._clients.enter(connection)
                if hello.seen is not None:
                    self._clients.confirm(hello.client, hello.seen)
                if self._intake is not None:
                    self._intake.received()
                    self._intake.reachable(hello.client)
                missed = self._clients.missed(hello.client)
                await connection.run(self._hear, self.account, self._clients.confirm, missed)
            finally:
                self._clients.leave(connection)
            code = connection.code
        finally:
            with trio.move_on_after(_CLOSE_S, shield=True):
                await ws.aclose(code)
