"""One connection of one client, from hello to close. Its tasks end with it."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from hermes_trio import Message, NotJson, Secret
from hermes_websocket.translate import message_of
from hermes_websocket.wire import (
    BAD_HELLO,
    BAD_TOKEN,
    NO_HELLO,
    REPLACED,
    Accepted,
    Confirm,
    Error,
    Frame,
    Hello,
    Welcome,
    decode_client,
    encode,
)

Confirmer = Callable[[str, str], None]
Hearer = Callable[[Message], Awaitable[bool]]

HELLO_S = 5.0
SEND_S = 10.0
_OUTGOING = 64


class Refused(Exception):
    """The first frame does not let this connection in; `code` closes it."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


async def greet(ws: WebSocketConnection, token: Secret) -> Hello:
    """The hello of a client that may come in.

    Raises:
        Refused: what came first, or did not come within 5 s.
        ConnectionClosed: it left.
    """
    with trio.move_on_after(HELLO_S):
        try:
            frame = decode_client(await ws.get_message())
        except NotJson:
            frame = None
        if not isinstance(frame, Hello):
            raise Refused(BAD_HELLO, "the first frame must be a hello")
        if not hmac.compare_digest(frame.token.encode(errors="replace"), token.reveal().encode()):
            raise Refused(BAD_TOKEN, "wrong token")
        return frame
    raise Refused(NO_HELLO, "no hello in time")


class Connection:
    """A connection whose client is known.

    Attributes:
        left: set when nothing of it runs any more.
        code: why we closed it, if we did.
    """

    def __init__(self, ws: WebSocketConnection, client: str) -> None:
        self.client = client
        self.left = trio.Event()
        self.code = 1000
        self._ws = ws
        self._scope = trio.CancelScope()
        self._outgoing, self._queue = trio.open_memory_channel[Frame](_OUTGOING)

    def replace(self) -> None:
        """Leave: the same client has connected anew."""
        self.code = REPLACED
        self._scope.cancel()

    async def put(self, frame: Frame) -> bool:
        """Queue a frame; waits while the queue is full. False: the connection is gone, nothing is queued."""
        try:
            await self._outgoing.send(frame)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return False
        return True

    async def run(self, hear: Hearer, account: str, confirm: Confirmer, first: Iterable[Frame]) -> None:
        """Send and receive until either side leaves.

        Args:
            hear: makes durable what the client says, or returns False.
            confirm: told the key of each receipt.
            first: what to send before anything else.
        """
        with self._scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._send, name=f"websocket send {self.client}")
                await self.put(Welcome())
                for frame in first:
                    await self.put(frame)
                await self._receive(hear, account, confirm)
                nursery.cancel_scope.cancel()

    async def _send(self) -> None:
        """Write what is queued. A client that reads nothing for so long is cut off."""
        with self._queue:
            async for frame in self._queue:
                with trio.move_on_after(SEND_S) as waiting:
                    try:
                        await self._ws.send_message(encode(frame))
                    except ConnectionClosed:
                        break
                if waiting.cancelled_caught:
                    break
        self._scope.cancel()

    async def _receive(self, hear: Hearer, account: str, confirm: Confirmer) -> None:
        while True:
            try:
                data = await self._ws.get_message()
            except ConnectionClosed:
                return
            await self._take(data, hear, account, confirm)

    async def _take(self, data: str | bytes, hear: Hearer, account: str, confirm: Confirmer) -> None:
        try:
            frame = decode_client(data)
        except NotJson as error:
            await self.put(Error(why=str(error)))
            return
        match frame:
            case Confirm():
                confirm(self.client, frame.id)
            case Hello():
                await self.put(Error(why="hello was said"))
            case _:
                if await hear(message_of(frame, self.client, account, str(data).encode())):
                    await self.put(Accepted(id=frame.id))
