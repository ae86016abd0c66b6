"""OpenAI-compatible chat completions, streamed.

Source: the API reference of OpenAI, "Create chat completion", and what endpoints that call themselves
compatible really send (missing ids and indexes, an error inside the stream).

What comes back is read by `openai_stream.py`. What the gateway tells the
model (a NoteEntry) goes as a user message in brackets: many chat templates refuse a system message that is
not the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from hermes_trio.entries import (
    AssistantEntry,
    Entry,
    ModelAnswer,
    ModelRequest,
    Spelled,
    ToolEntry,
    ToolSpec,
)
from hermes_trio.models.answer import GrowingAnswer, arguments_object, unnamed_calls
from hermes_trio.models.exchange import Exchange, header_safe
from hermes_trio.models.openai_stream import OpenAIStream
from hermes_trio.ports import WallClock
from hermes_trio.pure.prompt import as_marked

if TYPE_CHECKING:
    from hermes_trio.models.exchange import Client


def spell(before: Spelled, entries: Sequence[Entry]) -> Spelled:
    """More of a conversation as chat messages, a comma before each."""
    messages = [
        msgspec.json.encode(_message(as_marked(entry)))
        for entry in entries
        if not isinstance(entry, AssistantEntry) or entry.text or entry.calls
    ]
    return Spelled(b",".join((before.body, *messages)), before.entries + len(entries))


class OpenAIModel:
    """One model of an OpenAI-compatible endpoint.

    Args:
        client: of `open_http_client`; its connect deadline counts.
        base_url: with its version, "https://api.openai.com/v1".
        name: the model's name there.
        first_byte_s: until the first byte of the answer's text.
        between_bytes_s: between two pieces of it.
        clock: the wall clock, for errors that name a date.
        extra: more fields of each request, as the provider documents them ("max_completion_tokens").
        needs_key: False for endpoints that ask for none.
    """

    spell = staticmethod(spell)

    def __init__(
        self,
        client: Client,
        base_url: str,
        name: str,
        *,
        first_byte_s: float,
        between_bytes_s: float,
        clock: WallClock,
        extra: Mapping[str, Any] | None = None,
        needs_key: bool = True,
    ) -> None:
        self.name = name
        self.needs_key = needs_key
        url = base_url.rstrip("/") + "/chat/completions"
        self._exchange = Exchange(client, url, first_byte_s, between_bytes_s, clock)
        self._extra = dict(extra or {})

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """Call the model once; see the Model port. Cancelled: the connection is closed."""
        headers: dict[str, str] = {}
        if key or self.needs_key:
            headers["authorization"] = f"Bearer {header_safe(key)}"
        answer = GrowingAnswer(on_text, unnamed=unnamed_calls(request, spell))
        reader = OpenAIStream(answer, lambda event: self._exchange.failure(None, {}, event, key))
        await self._exchange.post(headers, lambda: self.body(request), key=key, take=reader.take)
        return answer.result()

    def body(self, request: ModelRequest) -> bytes:
        """The request as it goes out. What was spelled before is put in as it is."""
        fields: dict[str, Any] = {
            "model": self.name,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if request.tools:
            fields["tools"] = [_tool(tool) for tool in request.tools]
        earlier = request.earlier.get(spell, Spelled()).body
        later = spell(Spelled(), request.entries).body
        if request.prompt:
            first = msgspec.json.encode({"role": "system", "content": request.prompt})
        else:
            first, earlier, later = b"", earlier[1:], later if earlier else later[1:]
        rest = msgspec.json.encode(fields | self._extra)
        return b"".join((b'{"messages":[', first, earlier, later, b"],", rest[1:]))


def _message(entry: Entry) -> dict[str, Any]:
    if isinstance(entry, AssistantEntry):
        if not entry.calls:
            return {"role": "assistant", "content": entry.text}
        return {
            "role": "assistant",
            "content": entry.text or None,
            "tool_calls": [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": _arguments(call.arguments)},
                }
                for call in entry.calls
            ],
        }
    if isinstance(entry, ToolEntry):
        return {"role": "tool", "tool_call_id": entry.call, "content": entry.text}
    return {"role": "user", "content": entry.text}


def _arguments(text: str) -> str:
    """Some endpoints refuse a transcript in which the model once wrote arguments that are no object."""
    return text if arguments_object(text) else "{}"


def _tool(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    }
