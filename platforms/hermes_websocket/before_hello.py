"""Who has come in and has not said who it is: bounded in number, in bytes and in time.

Anybody on this machine can connect. Whoever says nothing holds a place here and nowhere else, and whoever has
held one longest makes room for the next: so those who only connect keep nobody out who says hello at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import trio

PLACES = 128
BYTES_MAX = 128 * 1024
"""A request to upgrade and a hello, with room to spare."""


class Newcomers:
    """The places before the door."""

    def __init__(self) -> None:
        self._waiting: dict[trio.CancelScope, None] = {}

    @contextmanager
    def place(self, connection: trio.CancelScope) -> Iterator[None]:
        """A place while the body runs; where there is none, whoever waits longest loses its connection."""
        while len(self._waiting) >= PLACES:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.cancel(reason="another one came")
        self._waiting[connection] = None
        try:
            yield
        finally:
            self._waiting.pop(connection, None)


class Measured(trio.abc.Stream):
    """A stream that ends when it has brought more than BYTES_MAX, until `known` is set."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.known = False
        self._stream = stream
        self._brought = 0

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive. Of a stranger who talks too much nothing more is read."""
        if not self.known and self._brought > BYTES_MAX:
            await trio.lowlevel.checkpoint()
            return b""
        data = await self._stream.receive_some(max_bytes)
        self._brought += len(data)
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send."""
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait."""
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        """Close."""
        await self._stream.aclose()
