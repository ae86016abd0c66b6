"""An answer of Anthropic's Messages API, as it streams in.

The end of an answer is its `stop_reason`, or `message_stop`; a stream with neither was cut short.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from hermes_trio.errors import ModelFailed, NotJson
from hermes_trio.models.answer import Finish, GrowingAnswer
from hermes_trio.models.exchange import Heard
from hermes_trio.models.sse import EVENT_BYTES_MAX, Event
from hermes_trio.models.thought import Thought
from hermes_trio.pure.foreign_json import ForeignJson

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
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None


class _Delta(Struct):
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    stop_reason: str | None = None


class _Event(Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None


LIFE = frozenset({"content_block_start", "content_block_delta", "content_block_stop", "message_delta"})
"""A ping is none, and the message's start has no token yet."""

READ: ForeignJson[_Event] = ForeignJson(_Event, most_bytes=EVENT_BYTES_MAX, halves=True)
"""Some providers split a character between two events, as halves of a surrogate pair."""


class AnthropicStream:
    """Takes the events of one stream into an answer."""

    def __init__(self, answer: GrowingAnswer, refused: Callable[[bytes], ModelFailed]) -> None:
        self._answer = answer
        self._refused = refused
        self._thought = Thought()
        answer.thought = self._thought.of_blocks

    def take(self, event: Event) -> Heard:
        """Take one event. Unknown ones are skipped, as documented."""
        answer = self._answer
        if event.kind == "error":
            raise self._refused(event.data.encode("utf-8", "replace"))
        try:
            said = READ(event.data)
        except NotJson as error:
            raise ModelFailed("transport", f"an event that is none: {str(error)[:100]}") from error
        match said.type:
            case "content_block_delta" if said.delta is not None:
                self._take_delta(said.index, said.delta)
            case "content_block_start" if said.content_block is not None:
                self._begin_block(said.index, said.content_block)
            case "message_start" if said.message is not None and said.message.usage is not None:
                usage = said.message.usage
                answer.tokens_cached = usage.cache_read_input_tokens or 0
                answer.tokens_kept = usage.cache_creation_input_tokens or 0
                told_anew = usage.input_tokens or 0
                answer.tokens_in = told_anew + answer.tokens_cached + answer.tokens_kept
            case "message_delta":
                if said.usage is not None:
                    answer.tokens_out = said.usage.output_tokens or 0
                if said.delta is not None and said.delta.stop_reason:
                    answer.finish = FINISHES.get(said.delta.stop_reason, "stop")
            case "message_stop":
                answer.finish = answer.finish or "stop"
        if answer.full:
            return "full"
        if said.type == "message_stop":
            return "over"
        if answer.finish is not None:
            return "whole"
        return "life" if said.type in LIFE else "nothing"

    def _begin_block(self, index: int, block: _Block) -> None:
        if block.type == "tool_use":
            self._answer.add_call(index, id=block.id, name=block.name)
        elif block.type == "text" and block.text:
            self._answer.add_text(block.text)
        elif block.type == "thinking":
            begun = {"type": "thinking", "thinking": block.thinking or "", "signature": block.signature or ""}
            self._thought.take_part(index, begun)
        elif block.type == "redacted_thinking":
            self._thought.take_part(index, {"type": block.type, "data": block.data or ""})

    def _take_delta(self, index: int, delta: _Delta) -> None:
        if delta.text:
            self._answer.add_text(delta.text)
        elif delta.partial_json:
            self._answer.add_call(index, arguments=delta.partial_json)
        elif delta.thinking or delta.signature:
            more = {"thinking": delta.thinking, "signature": delta.signature}
            self._thought.take_part(index, {field: piece for field, piece in more.items() if piece})
