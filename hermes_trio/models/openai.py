"""OpenAI-compatible chat completions, streamed.

Source: the API reference of OpenAI, "Create chat completion", and what endpoints that call themselves
compatible really send (missing ids and indexes, an error inside the stream).

The end of an answer is a `finish_reason`; a stream without one was cut short. What the gateway tells the
model (a NoteEntry) goes as a user message in brackets: many chat templates refuse a system message that is
not the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct, field

from hermes_trio.entries import (
    AssistantEntry,
    Entry,
    ModelAnswer,
    ModelRequest,
    Spelled,
    ToolEntry,
    ToolSpec,
)
from hermes_trio.errors import ModelFailed, NotJson
from hermes_trio.models.answer import Finish, GrowingAnswer, arguments_object, unnamed_calls
from hermes_trio.models.exchange import Exchange, Heard, header_safe
from hermes_trio.models.sse import EVENT_BYTES_MAX, Event
from hermes_trio.ports import WallClock
from hermes_trio.pure.foreign_json import ForeignJson
from hermes_trio.pure.prompt import as_marked

if TYPE_CHECKING:
    from hermes_trio.models.exchange import Client

FINISHES: Mapping[str, Finish] = {
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
"""Any other reason ("stop", "content_filter", one of a provider's own) is a stop."""


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(Struct):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    reasoning: Any = None
    reasoning_content: Any = None
    reasoning_details: Any = None

    @property
    def has_anything(self) -> bool:
        thought = self.reasoning or self.reasoning_content or self.reasoning_details
        return bool(self.content or self.refusal or self.tool_calls or thought)


class _Choice(Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Details(Struct):
    cached_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Chunk(Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = field(default=None)


READ: ForeignJson[_Chunk] = ForeignJson(_Chunk, most_bytes=EVENT_BYTES_MAX, halves=True)
"""Some providers split a character between two events, as halves of a surrogate pair."""


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
        reader = _Reader(answer, lambda event: self._exchange.failure(None, {}, event, key))
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


class _Reader:
    """Takes the events of one stream into an answer."""

    def __init__(self, answer: GrowingAnswer, refused: Callable[[bytes], ModelFailed]) -> None:
        self._answer = answer
        self._refused = refused
        self._slot = -1

    def take(self, event: Event) -> Heard:
        """Take one event."""
        if event.data == "[DONE]":
            return "nothing" if self._answer.finish is None else "over"
        try:
            chunk = READ(event.data)
        except NotJson as error:
            raise ModelFailed("transport", f"an event that is no chunk: {str(error)[:100]}") from error
        if chunk.error:
            raise self._refused(event.data.encode("utf-8", "replace"))
        if chunk.usage is not None:
            self._take_usage(chunk.usage)
        alive = self._take_choice(chunk.choices[0]) if chunk.choices else False
        if self._answer.full:
            return "full"
        if self._answer.finish is not None:
            return "whole"
        return "life" if alive else "nothing"

    def _take_usage(self, usage: _Usage) -> None:
        self._answer.tokens_in = usage.prompt_tokens or 0
        self._answer.tokens_out = usage.completion_tokens or 0
        if usage.prompt_tokens_details is not None:
            self._answer.tokens_cached = usage.prompt_tokens_details.cached_tokens or 0

    def _take_choice(self, choice: _Choice) -> bool:
        """Take it; whether there was anything in it. An empty one is how some keep a connection open."""
        delta = choice.delta
        if delta is not None:
            if text := delta.content or delta.refusal:
                self._answer.add_text(text)
            for call in delta.tool_calls or ():
                self._take_call(call)
        if choice.finish_reason:
            self._answer.finish = FINISHES.get(choice.finish_reason, "stop")
        return choice.finish_reason is not None or (delta is not None and delta.has_anything)

    def _take_call(self, call: _Call) -> None:
        slot = self._slot if call.index is None else call.index
        known = self._answer.call_id(slot)
        if slot < 0 or (call.id and known and call.id != known):
            slot = self._slot + 1  # without an index, or with a wrong one, a new id is a new call
        self._slot = max(self._slot, slot)
        function = call.function or _Function()
        self._answer.add_call(
            slot, id=call.id or "", name=function.name or "", arguments=function.arguments or ""
        )


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
