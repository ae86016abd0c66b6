"""The client's side: for `hermes-trio chat`, and for programs on the same machine.

    async with connect(state_dir, client="desk", chance=SystemRandom()) as conversation:
        await conversation.say("hello")
        async for delivery in conversation:
            ...

Reconnecting is the caller's: pass the same `Known` again, and nothing is shown twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import trio
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, wrap_client_stream
from wsproto.utilities import ProtocolError

from hermes_trio import (
    AccountRefused,
    Chance,
    Delivery,
    NotJson,
    NotSent,
    PlatformDown,
    SendRefused,
    SendUnknown,
)
from hermes_websocket.door import MAIN, find_door
from hermes_websocket.translate import delivery_of
from hermes_websocket.wire import (
    BAD_TOKEN,
    CLIENT_FRAME_MAX,
    Accepted,
    Confirm,
    Delete,
    Edit,
    Error,
    Frame,
    Hello,
    Press,
    Say,
    Send,
    Typing,
    Welcome,
    decode_server,
    encode,
)

ACCEPT_S = 30.0
CONNECT_S = 5.0
SEND_S = 10.0
_CLOSE_S = 1.0
_KEYS_MAX = 1000


class Known:
    """What a client has been shown: kept over reconnections, so that it is shown once.

    Attributes:
        last: the key confirmed last, None at first.
    """

    def __init__(self) -> None:
        self.last: str | None = None
        self._keys: dict[str, None] = {}

    def is_new(self, key: str) -> bool:
        """Whether this key was not seen before; now it was."""
        self.last = key
        if key in self._keys:
            return False
        self._keys[key] = None
        if len(self._keys) > _KEYS_MAX:
            del self._keys[next(iter(self._keys))]
        return True


class Conversation:
    """A connection to a gateway: say something, and iterate over what it says.

    An iteration ends when the connection does. A delivery is confirmed as it is handed out, and the gateway
    says nothing more in that chat before. `Delivery.message_id` is set for sends too. Any number of tasks
    may use one conversation; whoever waits reads for all.
    """

    def __init__(
        self, ws: WebSocketConnection, account: str, client: str, chance: Chance, known: Known
    ) -> None:
        self._ws = ws
        self._account = account
        self._client = client
        self._known = known
        self._prefix = f"{chance.getrandbits(64):016x}"
        self._said = 0
        self._asked: dict[str, _Answer] = {}
        self._come: deque[Send | Edit | Delete | Typing] = deque()
        self._reading = trio.Lock()
        self._ended = False

    async def say(self, text: str, *, chat: str | None = None, message_id: str | None = None) -> str:
        """Say it; return its id when the gateway has it for good.

        Args:
            text: what to say.
            chat: which of several conversations, if there are such.
            message_id: the id of an earlier try, to say the same thing again: it counts once.

        Raises:
            NotSent: the connection has ended.
            SendRefused: the gateway does not take it.
            SendUnknown: no answer within 30 s, or the connection ended before.
        """
        frame = Say(id=message_id or self._id(), text=text, chat=chat)
        await self._ask(frame)
        return frame.id

    async def press(self, choice: str, *, chat: str | None = None, message_id: str | None = None) -> str:
        """Press a choice of a prompt, by its token. Arguments, result and errors are those of `say`."""
        frame = Press(id=message_id or self._id(), choice=choice, chat=chat)
        await self._ask(frame)
        return frame.id

    def __aiter__(self) -> Conversation:
        return self

    async def __anext__(self) -> Delivery:
        while True:
            await self._read_until(lambda: bool(self._come))
            if not self._come:
                raise StopAsyncIteration
            frame = self._come.popleft()
            if isinstance(frame, Typing):
                return delivery_of(frame, self._account, self._client)
            is_new = self._known.is_new(frame.key)
            await self._send(Confirm(id=frame.key))
            if is_new or not isinstance(frame, Send):
                return delivery_of(frame, self._account, self._client)

    def _id(self) -> str:
        self._said += 1
        return f"{self._prefix}.{self._said}"

    async def _ask(self, frame: Say | Press) -> None:
        answer = self._asked[frame.id] = _Answer()
        try:
            if self._ended or not await self._send(frame):
                raise NotSent("the connection has ended")
            with trio.move_on_after(ACCEPT_S):
                await self._read_until(lambda: answer.came)
        finally:
            del self._asked[frame.id]
        if answer.why is not None:
            raise SendRefused(answer.why)
        if not answer.came:
            raise SendUnknown("the gateway did not answer")

    async def _send(self, frame: Frame) -> bool:
        """Write a frame whole, or close: half a frame would garble what follows. False: it is closed."""
        with trio.move_on_after(SEND_S, shield=True):
            try:
                await self._ws.send_message(encode(frame))
            except ConnectionClosed:
                return False
            return True
        with trio.move_on_after(0, shield=True):
            await self._ws.aclose()
        return False

    async def _read_until(self, is_enough: Callable[[], bool]) -> None:
        """Read until this holds or the connection has ended. One task reads at a time."""
        while not is_enough() and not self._ended:
            async with self._reading:
                if not is_enough() and not self._ended:
                    await self._read()

    async def _read(self) -> None:
        try:
            frame = decode_server(await self._ws.get_message())
        except (ConnectionClosed, NotJson):
            self._ended = True
            return
        match frame:
            case Accepted() if frame.id in self._asked:
                self._asked[frame.id].came = True
            case Error():
                for answer in self._asked.values():
                    answer.came, answer.why = True, frame.why
            case Send() | Edit() | Delete() | Typing():
                self._come.append(frame)


class _Answer:
    def __init__(self) -> None:
        self.came = False
        self.why: str | None = None


@asynccontextmanager
async def connect(
    state_dir: Path, *, client: str, chance: Chance, known: Known | None = None, account: str = MAIN
) -> AsyncIterator[Conversation]:
    """A conversation with the gateway of this state_dir.

    Args:
        state_dir: where the gateway left its port and token.
        client: who we are, for ever. A second connection as the same client ends the first.
        chance: makes message ids.
        known: of an earlier connection of this client.
        account: which of the gateway's websockets.

    Raises:
        PlatformDown: no gateway listens, or it did not answer within 5 s.
        AccountRefused: it does not know the token.
    """
    host, port, token = find_door(state_dir, account)
    known = known or Known()
    async with _open(host, port) as ws:
        await _greet(ws, Hello(token=token.reveal(), client=client, seen=known.last))
        yield Conversation(ws, account, client, chance, known)


@asynccontextmanager
async def _open(host: str, port: int) -> AsyncIterator[WebSocketConnection]:
    """A websocket whose socket is closed for certain, also when the server closed it first.

    An error of the caller leaves as it is, not in the group of the reader's nursery.
    """
    try:
        with trio.fail_after(CONNECT_S):
            stream = await trio.open_tcp_stream(host, port)
    except (OSError, trio.TooSlowError) as error:
        raise PlatformDown("no gateway listens") from error
    failed: BaseException | None = None
    try:
        async with stream, trio.open_nursery() as nursery:
            ws = await _upgrade(nursery, stream, host)
            try:
                yield ws
            finally:
                with trio.move_on_after(_CLOSE_S, shield=True):
                    await ws.aclose()
                nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        failed = _alone(group)
    if failed is not None:
        raise failed


def _alone(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The caller's error; without one the reader's, translated."""
    rest = group.split((ConnectionClosed, ProtocolError))[1]
    if rest is None:
        return PlatformDown("the connection broke")
    return rest.exceptions[0] if len(rest.exceptions) == 1 else rest


async def _upgrade(nursery: trio.Nursery, stream: trio.SocketStream, host: str) -> WebSocketConnection:
    try:
        with trio.fail_after(CONNECT_S):
            return await wrap_client_stream(nursery, stream, host, "/", max_message_size=CLIENT_FRAME_MAX)
    except (HandshakeError, trio.TooSlowError) as error:
        raise PlatformDown("the gateway does not answer") from error


async def _greet(ws: WebSocketConnection, hello: Hello) -> None:
    with trio.move_on_after(CONNECT_S):
        try:
            await ws.send_message(encode(hello))
            if isinstance(decode_server(await ws.get_message()), Welcome):
                return
        except ConnectionClosed as closed:
            if closed.reason is not None and closed.reason.code == BAD_TOKEN:
                raise AccountRefused("the gateway does not know this token") from None
            raise PlatformDown(f"the gateway closed the connection: {closed.reason}") from closed
        except NotJson as error:
            raise PlatformDown("no gateway of this protocol") from error
    raise PlatformDown("the gateway does not answer")
