"""One streamed call over HTTP: post, read events within deadlines, translate what goes wrong.

The deadlines are per wait, not summed, and on the loop's clock: a process that was suspended while its
answer kept arriving finds that answer instead of a passed deadline. The sum is the turn's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import trio
from msgspec import Struct

from hermes_trio.errors import ModelFailed
from hermes_trio.models.sse import Event, EventStream, EventTooLarge
from hermes_trio.ports import WallClock
from hermes_trio.pure.model_errors import failure

if TYPE_CHECKING:
    from hermes_trio.http import Answer
    from hermes_trio.http import Client as Client

ERROR_BYTES_MAX = 64 * 1024
REST_S = 1.0
"""How long to wait for what may follow a complete answer: its costs, and the end of the stream."""

CONTENT_TYPE = "text/event-stream"


class Exchange(Struct, frozen=True):
    """Where a model is asked, and how long that may take.

    Args:
        client: of `open_http_client`.
        url: takes the requests.
        first_byte_s: how long a call may be silent before its first byte, in seconds.
        between_bytes_s: how long between two pieces.
        clock: the wall clock, for errors that name a date.
    """

    client: Client
    url: str
    first_byte_s: float
    between_bytes_s: float
    clock: WallClock

    async def post(
        self, headers: Mapping[str, str], body: bytes, *, key: str, take: Callable[[Event], bool]
    ) -> None:
        """Post a request and hand each event of its answer to `take`, in order.

        Args:
            headers, body: the request in JSON, with the key where the provider wants it.
            key: the secret in it, so that no error text repeats it.
            take: returns True from when on the answer is complete. What follows is handed to it as well,
                but hardly waited for, and its loss cannot fail the call.

        Returns when the stream has ended. Cancelled: the connection is closed.

        Raises:
            ModelFailed: refused, unreachable, silent for too long, cut off, or not an event stream.
        """
        import httpx

        asks = {"content-type": "application/json", **headers, "accept": CONTENT_TYPE}
        reading = _Reading(take)
        try:
            # One scope whose deadline moves: a scope for each chunk is what a fast stream would pay most for.
            with trio.CancelScope(deadline=trio.current_time() + self.first_byte_s) as silence:
                answer = await self.client.ask(self.url, body, asks)
                try:
                    if answer.status != 200 or not _is_event_stream(answer):
                        wait_s = min(self.first_byte_s, self.between_bytes_s)
                        silence.deadline = trio.current_time() + wait_s
                        raise self.failure(answer.status, answer.headers, await _begin_of(answer), key)
                    await reading.read(answer, self.between_bytes_s, silence)
                finally:
                    await answer.body.aclose()
            if silence.cancelled_caught and not reading.complete:
                raise ModelFailed("transport", "silent for too long")
        except httpx.LocalProtocolError:
            # It may quote a header.
            raise ModelFailed("malformed", "the request cannot be written as HTTP") from None
        except (httpx.HTTPError, EventTooLarge) as error:
            raise ModelFailed("transport", f"{type(error).__name__}: {str(error)[:150]}") from error

    def failure(self, status: int | None, headers: Mapping[str, str], body: bytes, key: str) -> ModelFailed:
        """What a refusal means: one instead of an answer, or with no status one amid it."""
        return failure(status, headers, body, now=self.clock.now(), secret=key)


def header_safe(key: str) -> str:
    """The key, if it can stand in a header.

    Raises:
        ModelFailed: auth; it is empty, or has characters no key has. Nothing was sent.
    """
    if key and all("!" <= char <= "~" for char in key):
        return key
    raise ModelFailed("auth", "the key has characters that no header may hold" if key else "the key is empty")


class _Reading:
    """Hands the events of an answer on.

    Attributes:
        complete: the answer is whole; what may follow is welcome, and its loss no failure.
    """

    def __init__(self, take: Callable[[Event], bool]) -> None:
        self._take = take
        self.complete = False

    async def read(self, answer: Answer, between_s: float, silence: trio.CancelScope) -> None:
        """Read until the stream ends; each piece puts the deadline of `silence` off."""
        import httpx

        stream = EventStream()
        try:
            async for chunk in answer.body:
                for event in stream.feed(chunk):
                    self.complete = self._take(event)
                wait_s = REST_S if self.complete else between_s
                silence.deadline = trio.current_time() + wait_s
        except (httpx.HTTPError, EventTooLarge):
            if not self.complete:
                raise


def _is_event_stream(answer: Answer) -> bool:
    return answer.headers.get("content-type", "").lower().startswith(CONTENT_TYPE)


async def _begin_of(answer: Answer) -> bytes:
    body = bytearray()
    async for chunk in answer.body:
        body += chunk
        if len(body) >= ERROR_BYTES_MAX:
            break
    return bytes(body[:ERROR_BYTES_MAX])
