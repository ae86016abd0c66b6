"""An answer of OpenAI-compatible chat completions, as it streams in.

The end of an answer is a `finish_reason`; a stream without one was cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from hermes_trio.errors import ModelFailed, NotJson
from hermes_trio.models.answer import Finish, GrowingAnswer
from hermes_trio.models.exchange import Heard
from hermes_trio.models.sse import EVENT_BYTES_MAX, Event
from hermes_trio.models.thought import Thought
from hermes_trio.pure.foreign_json import ForeignJson

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
    extra_content: Any = None


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


class OpenAIStream:
    """Takes the events of one stream into an answer."""

    def __init__(self, answer: GrowingAnswer, refused: Callable[[bytes], ModelFailed]) -> None:
        self._answer = answer
        self._refused = refused
        self._slot = -1
        self._thought = Thought()
        answer.thought = self._thought.of_message

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
            if delta.reasoning_content or delta.reasoning or delta.reasoning_details:
                self._thought.take_text("reasoning_content", delta.reasoning_content)
                self._thought.take_text("reasoning", delta.reasoning)
                self._thought.take_details(delta.reasoning_details)
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
        if call.extra_content:
            self._thought.take_extra(call.id or slot, call.extra_content)
        function = call.function or _Function()
        self._answer.add_call(
            slot, id=call.id or "", name=function.name or "", arguments=function.arguments or ""
        )
