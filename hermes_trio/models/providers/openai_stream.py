"""An answer of OpenAI-compatible chat completions, as it streams in, or all at once.

The end of an answer is a `finish_reason`, or `[DONE]`; a stream without either was cut short. A refusal may
come in any wrapper amid it: what has no choices and no costs is looked at as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from hermes_trio.errors import ModelFailed, NotJson
from hermes_trio.models.errors import is_refusal
from hermes_trio.models.providers.decoding import WireJson
from hermes_trio.models.providers.growing_answer import GrowingAnswer
from hermes_trio.models.providers.sse import EVENT_BYTES_MAX, StreamEvent
from hermes_trio.models.providers.streamed_call import DONE, Sign


class _Function(Struct, gc=False):
    name: str | None = None
    arguments: Any = None


class _Call(Struct, gc=False):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    extra_content: Any = None


class _Delta(Struct, gc=False):
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_Call] | None = None
    function_call: _Function | None = None
    reasoning: Any = None
    reasoning_content: Any = None
    reasoning_details: Any = None

    @property
    def has_thought(self) -> bool:
        return bool(self.reasoning or self.reasoning_content or self.reasoning_details)


class _Details(Struct, gc=False):
    cached_tokens: int | None = None


class _Usage(Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _Details | None = None


class _Choice(Struct, gc=False):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: str | None = None
    error: Any = None
    usage: _Usage | None = None


class _Chunk(Struct, gc=False):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


READ: WireJson[_Chunk] = WireJson(_Chunk, most_bytes=EVENT_BYTES_MAX)


class OpenAIStream(Struct, frozen=True):
    """Takes the events of one stream into an answer."""

    answer: GrowingAnswer
    refused: Callable[[bytes], ModelFailed]

    def take(self, event: StreamEvent) -> Sign:
        """Take one event, or an answer that came at once. Raises NotJson, or ModelFailed for a refusal."""
        answer = self.answer
        if event.data == DONE:
            if answer.end is None and answer.begun:
                answer.ends("stop")
            return "nothing" if answer.end is None else "over"
        try:
            chunk = READ(event.data)
        except NotJson:
            chunk = READ.leniently(event.data)
        alive = False
        if chunk.error:
            raise self.refused(event.data.encode("utf-8", "replace"))
        if chunk.usage is not None:
            self._take_usage(chunk.usage)
        if chunk.choices:
            alive = self._take_choice(chunk.choices[0])
        elif chunk.usage is None and is_refusal(event.data):
            raise self.refused(event.data.encode("utf-8", "replace"))
        if answer.full:
            return "full"
        if answer.end is not None:
            return "whole"
        return "life" if alive else "nothing"

    def _take_usage(self, usage: _Usage) -> None:
        self.answer.tokens_in = usage.prompt_tokens or 0
        self.answer.tokens_out = usage.completion_tokens or 0
        if usage.prompt_tokens_details is not None:
            self.answer.tokens_cached = usage.prompt_tokens_details.cached_tokens or 0

    def _take_choice(self, choice: _Choice) -> bool:
        """Take it; whether there was anything in it. An empty one is how some keep a connection open."""
        if choice.error:
            raise self.refused(msgspec.json.encode({"error": choice.error}))
        if choice.usage is not None:  # Kimi
            self._take_usage(choice.usage)
        if choice.finish_reason:
            self.answer.ends(choice.finish_reason)
        delta = choice.delta or choice.message
        if delta is None:
            return choice.finish_reason is not None
        if text := delta.content or delta.refusal:
            self.answer.add_text(text)
        if delta.tool_calls:
            for call in delta.tool_calls:
                self._take_call(call)
        if delta.function_call is not None:
            self._take_call(_Call(index=0, function=delta.function_call))
        if delta.has_thought:
            self.answer.thought.take_text("reasoning_content", delta.reasoning_content)
            self.answer.thought.take_text("reasoning", delta.reasoning)
            self.answer.thought.take_details(delta.reasoning_details)
            return True
        return bool(text or delta.tool_calls or delta.function_call or choice.finish_reason)

    def _take_call(self, call: _Call) -> None:
        function, id = call.function or _Function(), call.id or ""
        place = self.answer.add_call(
            call.index, id=id, name=function.name or "", arguments=function.arguments
        )
        if call.extra_content:
            self.answer.thought.take_extra(id or place, call.extra_content)
