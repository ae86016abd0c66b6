"""One streamed call over HTTP: post, read events within deadlines, translate what goes wrong.

The deadlines are per wait, not summed, and on the loop's clock: a process that was suspended while its
answer kept arriving finds that answer instead of a passed deadline. The sum is the turn's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Literal

import trio
from msgspec import Struct

from hermes_trio.errors import ModelFailed, NotJson
from hermes_trio.models.errors import failure
from hermes_trio.models.failure_advice import SILENT, explained
from hermes_trio.models.providers.sse import BOM, EVENT_BYTES_MAX, EventStream, EventTooLarge, StreamEvent
from hermes_trio.ports.system import WallClock
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.values.identity import Secret

if TYPE_CHECKING:
    from hermes_trio.http.client import Client as Client
    from hermes_trio.http.client import Response

ERROR_BYTES_MAX = 64 * 1024
WHOLE_BYTES_MAX = EVENT_BYTES_MAX
"""Of an answer that comes at once."""

REST_S = 1.0
"""How long to wait in all for what may follow a complete answer: its costs, and the end of the stream."""

OVER_S = 0.2
"""How long for the end of a stream that has said it is over, so that the connection can be used again."""

Sign = Literal["nothing", "life", "whole", "over", "full"]
"""What an event was: no sign of life, or one; from here on the answer is whole; the stream says it is over;
the answer is as large as it may get, and the stream is left at once."""

CONTENT_TYPE = "text/event-stream"
PAGE = b"<"
FIELD = re.compile(rb"^(:|data\b|event\b|id\b|retry\b)", re.MULTILINE)
"""What a line of a stream begins with."""

BEGIN_BYTES = 1024
DONE = "[DONE]"
"""What ends a stream of OpenAI's kind."""


class Exchange(Struct, frozen=True):
    """Where a model is asked, and how long that may take.

    Args:
        first_byte_s: how long a call may be silent before its first byte, in seconds.
        between_bytes_s: how long between two pieces.
    """

    client: Client
    url: str
    first_byte_s: float
    between_bytes_s: float
    clock: WallClock
    model: str

    async def post(
        self,
        headers: Mapping[str, str],
        encode: Callable[[], bytes],
        *,
        key: str,
        take: Callable[[StreamEvent], Sign],
    ) -> None:
        """Post a request and hand each event of its answer to `take`, in order.

        Args:
            headers: with the key where the provider wants it.
            encode: makes the request in JSON. It is let go once it is out: a conversation may be long, and so
                may its answer take.
            key: the secret in it, so that no error text repeats it.
            take: says what each event was; an answer that comes at once is one. Only signs of life put the
                deadline off. What follows a whole answer is handed to it as well, but hardly waited for, and
                neither its loss nor what it says can fail the call. It raises NotJson for what it cannot
                read.

        Returns when the stream has ended. Cancelled: the connection is closed.

        Raises:
            ModelFailed: refused, unreachable, silent for too long, cut off, or not an event stream. It says
                what was asked, and what likely helps.
        """
        try:
            await self._post(headers, encode, key, take)
        except ModelFailed as error:
            raise explained(error, self.url, self.model) from error

    async def _post(
        self,
        headers: Mapping[str, str],
        encode: Callable[[], bytes],
        key: str,
        take: Callable[[StreamEvent], Sign],
    ) -> None:
        import httpx

        reading = _Reading(take)
        try:
            # One scope whose deadline moves: a scope for each chunk is what a fast stream would pay most for.
            with trio.CancelScope(deadline=trio.current_time() + self.first_byte_s) as silence:
                answer = await self.client.ask(
                    self.url,
                    encode(),
                    {"content-type": "application/json", **headers, "accept": CONTENT_TYPE},
                )
                try:
                    if answer.status != 200:
                        wait_s = min(self.first_byte_s, self.between_bytes_s)
                        silence.deadline = trio.current_time() + wait_s
                        body = await _begin_of(answer, silence)
                        raise self.failure(answer.status, answer.headers, body, key)
                    await reading.read(answer, self.between_bytes_s, silence)
                    if not reading.whole and (reading.document or reading.is_text):
                        raise self._no_answer(answer, bytes(reading.document or reading.unread), key)
                finally:
                    await answer.body.aclose()
            if silence.cancelled_caught and not reading.whole:
                raise ModelFailed("transport", SILENT)
        except httpx.LocalProtocolError:
            # It may quote a header.
            raise ModelFailed("malformed", "the request cannot be written as HTTP") from None
        except NotJson as error:
            raise ModelFailed("transport", f"an event that is none: {str(error)[:100]}") from error
        except (httpx.HTTPError, EventTooLarge) as error:
            raise ModelFailed("transport", f"{type(error).__name__}: {str(error)[:150]}") from error

    def _no_answer(self, answer: Response, body: bytes, key: str) -> ModelFailed:
        if body.startswith(PAGE):
            return ModelFailed("unknown", "a web page instead of an answer", status=404)
        status = answer.status if body.lstrip().startswith((b"{", b"[")) else 404  # a text of somebody else
        return self.failure(status, answer.headers, body, key)

    def failure(self, status: int | None, headers: Mapping[str, str], body: bytes, key: str) -> ModelFailed:
        """What a refusal means: one instead of an answer, or with no status one amid it."""
        return failure(status, headers, body, now=self.clock.now(), redact=Redactor([Secret(key)]))


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

    What is asked for is a stream; what comes is told by its first character: labels are wrong at times.

    Attributes:
        whole: the answer is; what may follow is welcome, and its loss no failure.
        document: what came instead of a stream, as far as it was read.
        unread: the beginning of a stream in which there was no event so far.
    """

    def __init__(self, take: Callable[[StreamEvent], Sign]) -> None:
        self._take = take
        self.whole = False
        self.document = bytearray()
        self.unread = bytearray()
        self._spoke = False
        self._stream: EventStream | None = None

    @property
    def is_text(self) -> bool:
        """What was taken for a stream has neither an event nor a line of one."""
        return not self._spoke and bool(self.unread.strip()) and FIELD.search(self.unread) is None

    async def read(self, answer: Response, between_s: float, silence: trio.CancelScope) -> None:
        """Read until the stream ends; each piece with a sign of life puts the deadline of `silence` off."""
        import httpx

        try:
            async for chunk in answer.body:
                before = self.whole
                stream = self._stream
                signs = self._signs(self._begin(chunk) if stream is None else stream.feed(chunk))
                if not self._spoke and stream is not None and len(self.unread) < BEGIN_BYTES:
                    self.unread += chunk[:BEGIN_BYTES]
                if "full" in signs:
                    return  # what is left of the body is not read: closing it closes the connection
                if "over" in signs:
                    silence.deadline = min(silence.deadline, trio.current_time() + OVER_S)
                elif "whole" in signs and not before:
                    silence.deadline = trio.current_time() + REST_S
                elif "life" in signs and not before:
                    silence.deadline = trio.current_time() + between_s
            self._last()
        except (httpx.HTTPError, EventTooLarge, ModelFailed, NotJson):
            if not self.whole:
                raise

    def _begin(self, chunk: bytes) -> list[StreamEvent]:
        self.document += chunk
        begin = bytes(self.document[:BEGIN_BYTES]).removeprefix(BOM).lstrip()
        if not begin or begin.startswith((b"{", b"[", PAGE)):
            if len(self.document) > WHOLE_BYTES_MAX:
                raise EventTooLarge(f"more than {WHOLE_BYTES_MAX} bytes")
            return []
        self._stream = EventStream()
        chunk = bytes(self.document)
        self.document.clear()
        self.unread += chunk[:BEGIN_BYTES]
        return self._stream.feed(chunk)

    def _last(self) -> None:
        """What the body ended in the midst of, or all of it where it is no stream."""
        if self._stream is not None:
            with suppress(NotJson):  # an event that was cut off never was one
                self._signs(self._stream.end())
        elif not self.document.lstrip().startswith(PAGE):
            with suppress(NotJson):
                text = self.document.decode("utf-8", "replace").strip()
                self._signs([StreamEvent("message", text), StreamEvent("message", DONE)])

    def _signs(self, events: list[StreamEvent]) -> set[Sign]:
        signs: set[Sign] = set()
        for event in events:
            self._spoke = True
            try:
                sign = self._take(event)
            except NotJson:
                if event.data.lstrip().startswith(("{", "[")):
                    raise
                continue  # no piece of an answer: some keep a connection open with such
            signs.add(sign)
            if sign in ("whole", "over"):
                self.whole = True  # at once: what fails may have come together with the end
        return signs


async def _begin_of(answer: Response, silence: trio.CancelScope) -> bytes:
    """As much of a refusal's body as comes: its status and its head say more than what is missing."""
    import httpx

    body = bytearray()
    with trio.CancelScope(deadline=silence.deadline), suppress(httpx.HTTPError):
        silence.deadline = inf
        async for chunk in answer.body:
            body += chunk
            if len(body) >= ERROR_BYTES_MAX:
                break
    return bytes(body[:ERROR_BYTES_MAX])
