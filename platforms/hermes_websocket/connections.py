"""Who is connected, and what each of them has still to confirm."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from hermes_trio import NotSent, SendUnknown
from hermes_websocket.connection import Connection
from hermes_websocket.translate import Confirmed
from hermes_websocket.wire import Frame, Typing

RECEIPT_S = 10.0
_LEAVE_S = 5.0
_SEEN_MAX = 1000


class Connections:
    """At most one connection per client: the newer wins, and only after the older has left."""

    def __init__(self) -> None:
        self._connections: dict[str, Connection] = {}
        self._seen: dict[str, str] = {}
        self._unconfirmed: dict[tuple[str, str], _Unconfirmed] = {}

    async def enter(self, connection: Connection) -> None:
        """Make this the connection of its client; an older one leaves first.

        Raises:
            trio.TooSlowError: the older one does not.
        """
        with trio.fail_after(_LEAVE_S):
            while (older := self._connections.get(connection.client)) is not None:
                older.replace()
                await older.left.wait()
        self._connections[connection.client] = connection

    def leave(self, connection: Connection) -> None:
        """This one is gone. May be called for one that never entered."""
        if self._connections.get(connection.client) is connection:
            del self._connections[connection.client]
        connection.left.set()

    def confirm(self, client: str, key: str) -> None:
        """The client has what came with this key."""
        self._seen.pop(client, None)
        self._seen[client] = key
        if len(self._seen) > _SEEN_MAX:
            del self._seen[next(iter(self._seen))]
        waiting = self._unconfirmed.get((client, key))
        if waiting is not None:
            waiting.confirmed.set()

    def missed(self, client: str) -> Sequence[Frame]:
        """What was sent and not confirmed, to be sent again over a new connection."""
        waiting = [w for (of, _), w in self._unconfirmed.items() if of == client and not w.confirmed.is_set()]
        for one in waiting:
            one.offered = True
        return [one.frame for one in waiting]

    async def ask(self, client: str, frame: Confirmed) -> None:
        """Send a frame and wait until it is confirmed, over this connection or the next one.

        Raises:
            NotSent: the client is not connected, or takes nothing.
            SendUnknown: no receipt within 10 s.
        """
        connection = self._connections.get(client)
        if connection is None:
            raise NotSent("not connected")
        if self._seen.get(client) == frame.key:
            await trio.lowlevel.checkpoint()
            return
        waiting = _Unconfirmed(frame)
        self._unconfirmed[client, frame.key] = waiting
        try:
            with trio.move_on_after(RECEIPT_S):
                waiting.offered |= await connection.put(frame)
                if waiting.offered or client in self._connections:
                    await waiting.confirmed.wait()
                    return
        finally:
            del self._unconfirmed[client, frame.key]
        if not waiting.offered:
            raise NotSent("not connected any more")
        raise SendUnknown(f"no receipt within {RECEIPT_S:.0f} s")

    async def show_typing(self, client: str, frame: Typing) -> None:
        """Send a sign that needs no receipt. Raises NotSent."""
        connection = self._connections.get(client)
        if connection is None or not await connection.put(frame):
            raise NotSent("not connected")


class _Unconfirmed:
    """A frame that waits for its receipt. `offered`: some connection was given it."""

    def __init__(self, frame: Confirmed) -> None:
        self.frame = frame
        self.offered = False
        self.confirmed = trio.Event()
