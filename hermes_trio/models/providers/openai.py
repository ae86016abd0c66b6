"""OpenAI-compatible chat completions, streamed.

Source: the API reference of OpenAI, "Create chat completion", and what endpoints that call themselves
compatible really send (missing ids and indexes, an error inside the stream).

How it is told a conversation is `openai_spelling.py`; what comes back is read by `openai_stream.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from hermes_trio.models.providers.endpoint import (
    LearningEndpoint,
    Written,
    fields_without,
    messages_without,
    with_extra,
)
from hermes_trio.models.providers.openai_spelling import OpenAISpelling, ended
from hermes_trio.models.providers.openai_stream import OpenAIStream
from hermes_trio.models.providers.quirks import Quirk
from hermes_trio.models.providers.spelling import service
from hermes_trio.models.providers.streamed_call import Exchange, header_safe
from hermes_trio.ports.system import WallClock
from hermes_trio.values.transcript import ModelAnswer, ModelRequest, Spelled

if TYPE_CHECKING:
    from hermes_trio.models.providers.streamed_call import Client


LIMIT = "max_tokens"
LIMITS = (("//api.openai.com", "max_completion_tokens"), (".openai.azure.com", "max_completion_tokens"))
"""What the limit of an answer is called, by where a model is served: OpenAI has taken the old name back."""


class OpenAIModel:
    """One model of an OpenAI-compatible endpoint.

    Args:
        client: of `open_http_client`; its connect deadline counts.
        base_url: with its version, "https://api.openai.com/v1".
        name: the model's name there.
        first_byte_s: until the first byte of the answer's text.
        between_bytes_s: between two pieces of it.
        clock: the wall clock, for errors that name a date.
        answer_tokens: the longest answer, in tokens; None: as the provider has it.
        extra: more fields of each request, as the provider documents them ("reasoning_effort").
        needs_key: False for endpoints that ask for none.

    Attributes:
        endpoint: what is asked, and what it was found to refuse.
    """

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
        needs_key: bool = True,
    ) -> None:
        self.name = name
        self.needs_key = needs_key
        url = base_url.rstrip("/") + "/chat/completions"
        self.spell = OpenAISpelling(service(url, name))
        limit = next((name for host, name in LIMITS if host in url), LIMIT)
        self._extra = ({limit: answer_tokens} if answer_tokens else {}) | dict(extra or {})
        exchange = Exchange(client, url, first_byte_s, between_bytes_s, clock, name)
        self.endpoint = LearningEndpoint(exchange, self.spell, OpenAIStream)

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """Call the model once; see the Model port. Cancelled: the connection is closed."""
        headers: dict[str, str] = {}
        if key or self.needs_key:
            headers["authorization"] = f"Bearer {header_safe(key)}"
        written = Written(headers, self._fields(request), partial(self._body, request))
        return await self.endpoint.complete(request, written, key=key, on_text=on_text)

    def body(self, request: ModelRequest) -> bytes:
        """The request as it goes out now. What was spelled before is put in as it is."""
        return self._body(request, self.endpoint.quirks)

    def _body(self, request: ModelRequest, quirks: Sequence[Quirk]) -> bytes:
        earlier = request.earlier.get(self.spell, Spelled())
        begun = Spelled(b"", earlier.entries, earlier.role, earlier.ids)
        later, before = ended(self.spell(begun, request.entries)), earlier.body
        if request.prompt:
            first = msgspec.json.encode({"role": "system", "content": request.prompt})
        else:
            first, before, later = b"", before[1:], later if before else later[1:]
        messages = messages_without((b"[", first, before, later, b"]"), quirks)
        rest = msgspec.json.encode(fields_without(self._fields(request), quirks))
        return b"".join((b'{"messages":', *messages, b",", rest[1:]))

    def _fields(self, request: ModelRequest) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "model": self.name,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            fields["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                    },
                }
                for tool in request.tools
            ]
        return with_extra(fields, self._extra)
