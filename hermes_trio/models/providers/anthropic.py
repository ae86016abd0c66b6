"""Anthropic's Messages API, streamed.

Source: Anthropic's API reference, "Messages" and "Streaming messages".

How it is told a conversation is `anthropic_spelling.py`; what comes back is read by `anthropic_stream.py`.

The API keeps what it has read up to a mark (`cache_control`, at most four of them), and looks a request's
beginning up there. Marked are the system prompt, with the tools, which go before it; what was said before the
turn; and all there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from hermes_trio.models.providers.anthropic_spelling import AnthropicSpelling, text_block
from hermes_trio.models.providers.anthropic_stream import AnthropicStream
from hermes_trio.models.providers.endpoint import (
    LearningEndpoint,
    Written,
    fields_without,
    messages_without,
    with_extra,
)
from hermes_trio.models.providers.quirks import Quirk
from hermes_trio.models.providers.spelling import service
from hermes_trio.models.providers.streamed_call import Exchange, header_safe
from hermes_trio.ports.system import WallClock
from hermes_trio.values.transcript import ModelAnswer, ModelRequest, Spelled

if TYPE_CHECKING:
    from hermes_trio.models.providers.streamed_call import Client

VERSION = "2026-10-21"
"""Of the API. It knows no `temperature`, `top_p`, `top_k`."""
ANSWER_TOKENS = 8192
MARKED = {"cache_control": {"type": "ephemeral"}}
MARK = b',"cache_control":{"type":"ephemeral"}}'
"""In the place of the brace that a block ends with."""


class AnthropicModel:
    """One model of Anthropic's, or of an endpoint that speaks its protocol.

    Args:
        client: of `open_http_client`; its connect deadline counts.
        base_url: "https://api.anthropic.com", with or without "/v1".
        name: the model's name there.
        first_byte_s: until the first byte of the answer's text.
        between_bytes_s: between two pieces of it.
        clock: the wall clock, for errors that name a date.
        answer_tokens: the longest answer, in tokens; None: 8192. The API wants to be told.
        extra: more fields of each request, as Anthropic documents them. `tools` in it are tools that its
            servers run, beside those of the agent.

    Attributes:
        endpoint: what is asked, and what it was found to refuse.
    """

    needs_key = True

    def __init__(
        self,
        client: Client,
        base_url: str,
        name: str,
        *,
        first_byte_s: float,
        between_bytes_s: float,
        clock: WallClock,
        answer_tokens: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        url = base_url.rstrip("/").removesuffix("/v1") + "/v1/messages"
        self.spell = AnthropicSpelling(service(url, name))
        self._max_tokens = answer_tokens or ANSWER_TOKENS
        self._extra = dict(extra or {})
        exchange = Exchange(client, url, first_byte_s, between_bytes_s, clock, name)
        self.endpoint = LearningEndpoint(exchange, self.spell, AnthropicStream)

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """Call the model once; see the Model port. Cancelled: the connection is closed."""
        headers = {"x-api-key": header_safe(key), "anthropic-version": VERSION}
        written = Written(headers, self._fields(request), partial(self._body, request))
        return await self.endpoint.complete(request, written, key=key, on_text=on_text)

    def body(self, request: ModelRequest) -> bytes:
        """The request as it goes out now. What was spelled before is put in as it is."""
        return self._body(request, self.endpoint.quirks)

    def _body(self, request: ModelRequest, quirks: Sequence[Quirk]) -> bytes:
        earlier = request.earlier.get(self.spell, Spelled())
        later = self.spell.ended(self.spell(replace(earlier, body=b""), request.entries))
        marked = [piece for part in (earlier.body, later.body) if part for piece in (part[:-1], MARK)]
        messages = messages_without((b"[", *marked, b"]}]"), quirks)
        rest = msgspec.json.encode(fields_without(self._fields(request), quirks))
        return b"".join((rest[:-1], b',"messages":', *messages, b"}"))

    def _fields(self, request: ModelRequest) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": self.name, "max_tokens": self._max_tokens, "stream": True}
        if request.prompt:
            fields["system"] = [text_block(request.prompt) | MARKED]
        if request.tools:
            fields["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
                for tool in request.tools
            ]
        return with_extra(fields, self._extra)
