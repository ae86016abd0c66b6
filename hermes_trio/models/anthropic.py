"""Anthropic's Messages API, streamed.

Source: Anthropic's API reference, "Messages" and "Streaming messages".

The end of an answer is its `stop_reason`, or `message_stop`; a stream with neither was cut short. Roles must
alternate, so consecutive entries of one role become blocks of one message. What the gateway tells the model
(a NoteEntry) goes as user text in brackets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from hermes_trio.entries import AssistantEntry, Entry, ModelAnswer, ModelRequest, NoteEntry, ToolEntry
from hermes_trio.errors import ModelFailed
from hermes_trio.models.answer import Finish, GrowingAnswer, arguments_object, decode
from hermes_trio.models.exchange import Exchange, header_safe
from hermes_trio.models.sse import Event
from hermes_trio.ports import WallClock

if TYPE_CHECKING:
    from hermes_trio.models.exchange import Client

VERSION = "2026-10-21"
"""Of the API. It knows no `temperature`, `top_p`, `top_k`."""
FINISHES: Mapping[str, Finish] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
"""Any other reason ("end_turn", "stop_sequence", "refusal") is a stop."""


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Message(Struct):
    usage: _Usage | None = None


class _Block(Struct):
    type: str = ""
    id: str = ""
    name: str = ""
    text: str = ""


class _Delta(Struct):
    text: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None


class _Event(Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None


DECODER = msgspec.json.Decoder(_Event)


class AnthropicModel:
    """One model of Anthropic's, or of an endpoint that speaks its protocol.

    Args:
        client: of `open_http_client`; its connect deadline counts.
        base_url: "https://api.anthropic.com", with or without "/v1".
        name: the model's name there.
        first_byte_s: until the first byte of the answer's text.
        between_bytes_s: between two pieces of it.
        clock: the wall clock, for errors that name a date.
        max_tokens: the longest answer, in tokens; the API wants to be told.
        extra: more fields of each request, as Anthropic documents them.
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
        max_tokens: int = 8192,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        url = base_url.rstrip("/").removesuffix("/v1") + "/v1/messages"
        self._exchange = Exchange(client, url, first_byte_s, between_bytes_s, clock)
        self._max_tokens = max_tokens
        self._extra = dict(extra or {})

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """Call the model once; see the Model port. Cancelled: the connection is closed."""
        headers = {"x-api-key": header_safe(key), "anthropic-version": VERSION}
        answer = GrowingAnswer(on_text, unnamed=f"call-{len(request.entries)}")
        reader = _Reader(answer, lambda event: self._exchange.failure(None, {}, event, key))
        await self._exchange.post(headers, self._body(request), key=key, take=reader.take)
        return answer.result()

    def _body(self, request: ModelRequest) -> bytes:
        body: dict[str, Any] = {
            "model": self.name,
            "max_tokens": self._max_tokens,
            "messages": messages_of(request.entries),
            "stream": True,
        }
        if request.prompt:
            body["system"] = request.prompt
        if request.tools:
            body["tools"] = [
                {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}
                for tool in request.tools
            ]
        return msgspec.json.encode(body | self._extra)


class _Reader:
    """Takes the events of one stream into an answer."""

    def __init__(self, answer: GrowingAnswer, refused: Callable[[bytes], ModelFailed]) -> None:
        self._answer = answer
        self._refused = refused

    def take(self, event: Event) -> bool:
        """Take one event; True when the answer is complete. Unknown events are skipped, as documented."""
        answer = self._answer
        if event.kind == "error":
            raise self._refused(event.data.encode("utf-8", "replace"))
        try:
            said = decode(event.data, DECODER, _Event)
        except msgspec.MsgspecError as error:
            raise ModelFailed("transport", f"an event that is none: {str(error)[:100]}") from error
        match said.type:
            case "content_block_delta" if said.delta is not None:
                self._take_delta(said.index, said.delta)
            case "content_block_start" if said.content_block is not None:
                self._begin_block(said.index, said.content_block)
            case "message_start" if said.message is not None and said.message.usage is not None:
                usage = said.message.usage
                cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
                answer.tokens_in = (usage.input_tokens or 0) + cached
            case "message_delta":
                if said.usage is not None:
                    answer.tokens_out = said.usage.output_tokens or 0
                if said.delta is not None and said.delta.stop_reason:
                    answer.finish = FINISHES.get(said.delta.stop_reason, "stop")
            case "message_stop":
                answer.finish = answer.finish or "stop"
        return answer.finish is not None or answer.full

    def _begin_block(self, index: int, block: _Block) -> None:
        if block.type == "tool_use":
            self._answer.add_call(index, id=block.id, name=block.name)
        elif block.type == "text" and block.text:
            self._answer.add_text(block.text)

    def _take_delta(self, index: int, delta: _Delta) -> None:
        if delta.text:
            self._answer.add_text(delta.text)
        elif delta.partial_json:
            self._answer.add_call(index, arguments=delta.partial_json)


def messages_of(entries: tuple[Entry, ...]) -> list[dict[str, Any]]:
    """The transcript as messages of alternating roles, the first and the last of the user."""
    messages: list[dict[str, Any]] = []
    for entry in entries:
        role = "assistant" if isinstance(entry, AssistantEntry) else "user"
        blocks = _blocks(entry)
        if not blocks:
            continue
        if not messages and role == "assistant":
            messages.append({"role": "user", "content": [_text("[earlier messages are left out]")]})
        if not messages or messages[-1]["role"] != role:
            messages.append({"role": role, "content": []})
        messages[-1]["content"].extend(blocks)
    if not messages or messages[-1]["role"] == "assistant":
        messages.append({"role": "user", "content": [_text("[go on]")]})
    return messages


def _blocks(entry: Entry) -> list[dict[str, Any]]:
    if isinstance(entry, ToolEntry):
        result = {"type": "tool_result", "tool_use_id": entry.call, "content": entry.text}
        return [result | {"is_error": True} if entry.failed else result]
    if isinstance(entry, NoteEntry):
        return [_text(f"[note of the system: {entry.text}]")]
    blocks = [_text(entry.text)] if entry.text.strip() else []  # the API refuses blank text
    if isinstance(entry, AssistantEntry):
        blocks += [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": arguments_object(call.arguments)}
            for call in entry.calls
        ]
    return blocks


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}
