"""One streamed call over HTTP: post, read events within deadlines, translate what goes wrong.

The deadlines are per wait, not summed, and on the loop's clock: a process that was suspended while its
answer kept arriving finds that answer instead of a passed deadline. The sum is the turn's.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import trio
from msgspec import Struct

from hermes_trio.errors import ModelFailed
from hermes_trio.http import open_body
from hermes_trio.models.sse import Event, EventStream, EventTooLarge
from hermes_trio.ports import WallClock
from hermes_trio.pure.model_errors import failure

if TYPE_CHECKING:
    import httpx

    from hermes_trio.http import Client as Client

ERROR_BYTES_MAX = 64 * 1024
REST_S = 1.0
"""How long to wait for what may follow a complete answer: its costs, and the end of the stream."""

CONTENT_TYPE = "text/event-stream"


class Waits(Struct, frozen=True):
    """How long a call may be silent, in seconds: before its first byte, and between two pieces."""

    first_byte_s: float
    between_bytes_s: float


async def post_for_events(
    client: Client,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    key: str,
    waits: Waits,
    clock: WallClock,
    take: Callable[[Event], bool],
) -> None:
    """Post a request and hand each event of its answer to `take`, in order.

    Args:
        client: of `open_http_client`.
        url, headers, body: the request, with the key where the provider wants it.
        key: the secret in it, so that no error text repeats it.
        waits: see there.
        clock: the wall clock, for errors that name a date.
        take: returns True from when on the answer is complete. What follows is handed to it as well, but
            hardly waited for, and its loss cannot fail the call.

    Returns when the stream has ended. Cancelled: the connection is closed.

    Raises:
        ModelFailed: refused, unreachable, silent for too long, cut off, or not an event stream.
    """
    import httpx

    first_byte_at = trio.current_time() + waits.first_byte_s
    try:
        with trio.fail_at(first_byte_at):
            response = await client.straight(
                _parsed(url), body, {**headers, "accept": CONTENT_TYPE}, read_s=None
            )
        try:
            if response.status_code != 200 or not _is_event_stream(response):
                raise await _refusal(response, waits, key, clock)
            await _read_events(response, first_byte_at, waits, take)
        finally:
            await response.aclose()
    except trio.TooSlowError:
        raise ModelFailed("transport", "silent for too long") from None
    except httpx.LocalProtocolError:
        raise ModelFailed(
            "malformed", "the request cannot be written as HTTP"
        ) from None  # may quote a header
    except (httpx.HTTPError, EventTooLarge) as error:
        raise ModelFailed("transport", f"{type(error).__name__}: {str(error)[:150]}") from error


@lru_cache(maxsize=64)
def _parsed(url: str) -> httpx.URL:
    import httpx

    return httpx.URL(url)


def header_safe(key: str) -> str:
    """The key, if it can stand in a header.

    Raises:
        ModelFailed: auth; it is empty, or has characters no key has. Nothing was sent.
    """
    if key and all("!" <= char <= "~" for char in key):
        return key
    raise ModelFailed("auth", "the key has characters that no header may hold" if key else "the key is empty")


async def _read_events(
    response: httpx.Response, first_byte_at: float, waits: Waits, take: Callable[[Event], bool]
) -> None:
    import httpx

    stream = EventStream()
    complete = False
    # One scope whose deadline moves: a scope for each chunk is what a fast stream would pay most for.
    with trio.CancelScope(deadline=first_byte_at) as silence:
        async with open_body(response) as body:
            while True:
                try:
                    chunk = await anext(body, None)
                    events = stream.feed(chunk) if chunk else []
                except (httpx.HTTPError, EventTooLarge):
                    if complete:
                        return
                    raise
                if chunk is None:
                    return
                for event in events:
                    complete = take(event)
                silence.deadline = trio.current_time() + (REST_S if complete else waits.between_bytes_s)
    if not complete:
        raise trio.TooSlowError


async def _next(body: AsyncGenerator[bytes], deadline: float) -> bytes | None:
    with trio.fail_at(deadline):
        return await anext(body, None)


def _is_event_stream(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type", "")).lower().startswith(CONTENT_TYPE)


async def _refusal(response: httpx.Response, waits: Waits, key: str, clock: WallClock) -> ModelFailed:
    body = bytearray()
    deadline = trio.current_time() + min(waits.first_byte_s, waits.between_bytes_s)
    async with open_body(response) as chunks:
        while len(body) < ERROR_BYTES_MAX and (chunk := await _next(chunks, deadline)) is not None:
            body += chunk
    return failure(
        response.status_code, response.headers, bytes(body[:ERROR_BYTES_MAX]), now=clock.now(), secret=key
    )
