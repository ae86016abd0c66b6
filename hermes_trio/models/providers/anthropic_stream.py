"""An answer of Anthropic's Messages API, as it streams in.

The end of an answer is its `stop_reason`, or `message_stop`; a stream with neither was cut short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from hermes_trio.errors import ModelFailed, NotJson
from hermes_trio.models.errors import is_refusal
from hermes_trio.models.providers.decoding import WireJson
from hermes_trio.models.providers.growing_answer import GrowingAnswer
from hermes_trio.models.providers.sse import EVENT_BYTES_MAX, StreamEvent
from hermes_trio.models.providers.streamed_call import DONE, Sign
from hermes_trio.text.foreign_json import ForeignJson


class _Usage(Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Block(Struct, gc=False):
    type: str = ""
    id: str | None = None
    name: str | None = None
    text: str | None = None
    input: Any = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    citations: Any = None


class _Delta(Struct, gc=False):
    text: str | None = None
    partial_json: Any = None
    thinking: str | None = None
    signature: str | None = None
    citation: Any = None
    stop_reason: str | None = None


class _Message(Struct, gc=False):
    usage: _Usage | None = None


class _Event(Struct, gc=False):
    type: str = ""
    index: int | None = None
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    content: list[_Block] | None = None
    stop_reason: str | None = None


LIFE = frozenset({"content_block_start", "content_block_delta", "content_block_stop", "message_delta"})
"""A ping is none, and the message's start has no token yet."""

READ: WireJson[_Event] = WireJson(_Event, most_bytes=EVENT_BYTES_MAX)
RAW: ForeignJson[Any] = ForeignJson(Any, most_bytes=EVENT_BYTES_MAX, halves=True)


class AnthropicStream(Struct, frozen=True):
    """Takes the events of one stream into an answer."""

    answer: GrowingAnswer
    refused: Callable[[bytes], ModelFailed]

    def take(self, event: StreamEvent) -> Sign:
        """Take one event, or an answer that came at once. Unknown ones are skipped, as documented.

        Raises NotJson, or ModelFailed for a refusal.
        """
        answer = self.answer
        if event.kind == "error":
            raise self.refused(event.data.encode("utf-8", "replace"))
        if event.data == DONE:  # of endpoints that speak OpenAI's protocol as well
            return "nothing" if answer.end is None else "over"
        try:
            said = READ(event.data)
        except NotJson:
            said = READ.leniently(event.data)
        match said.type:
            case "content_block_delta" if said.delta is not None:
                self._take_delta(said.index, said.delta)
            case "content_block_start" if said.content_block is not None:
                self._begin_block(said.index, said.content_block, lambda: RAW(event.data)["content_block"])
            case "message_start" if said.message is not None and said.message.usage is not None:
                self._take_usage(said.message.usage)
            case "message_delta":
                if said.usage is not None:
                    if not answer.tokens_in:  # GLM says at the end what others say at the beginning
                        self._take_usage(said.usage)
                    answer.tokens_out = said.usage.output_tokens or 0
                if said.delta is not None and said.delta.stop_reason:
                    answer.ends(said.delta.stop_reason)
            case "message_stop" if answer.end is None:
                answer.ends("stop")
            case "message":
                self._take_whole(said, event.data)
            case "" | "error" if is_refusal(event.data):
                raise self.refused(event.data.encode("utf-8", "replace"))
        if answer.full:
            return "full"
        if said.type in ("message_stop", "message"):
            return "over"
        if answer.end is not None:
            return "whole"
        return "life" if said.type in LIFE else "nothing"

    def _take_usage(self, usage: _Usage) -> None:
        answer = self.answer
        answer.tokens_cached = usage.cache_read_input_tokens or 0
        answer.tokens_kept = usage.cache_creation_input_tokens or 0
        answer.tokens_in = (usage.input_tokens or 0) + answer.tokens_cached + answer.tokens_kept

    def _take_whole(self, message: _Event, data: str) -> None:
        for index, block in enumerate(message.content or ()):
            self._begin_block(index, block, lambda at=index: RAW(data)["content"][at])  # type: ignore[misc]
        if message.usage is not None:
            self._take_usage(message.usage)
            self.answer.tokens_out = message.usage.output_tokens or 0
        if message.stop_reason:
            self.answer.ends(message.stop_reason)

    def _begin_block(self, index: int | None, block: _Block, raw: Callable[[], dict[str, Any]]) -> None:
        """Take the beginning of a block; what it is of a tool of the service is in `raw` only."""
        blocks = self.answer.thought.blocks
        match block.type:
            case "tool_use":
                self.answer.add_call(index, id=block.id or "", name=block.name or "", arguments=block.input)
                blocks.begin(index, {"type": "tool_use", "id": block.id})
            case "text":
                blocks.text(self.answer.pieces, block.citations)
                if block.text:
                    self.answer.add_text(block.text)
            case "thinking":
                begun = {"thinking": block.thinking or "", "signature": block.signature or ""}
                blocks.begin(index, {"type": "thinking", **begun})
            case "redacted_thinking":
                blocks.begin(index, {"type": block.type, "data": block.data or ""})
            case kind if kind:
                blocks.begin(index, raw())

    def _take_delta(self, index: int | None, delta: _Delta) -> None:
        if delta.text:
            self.answer.add_text(delta.text)
            return
        blocks = self.answer.thought.blocks
        if delta.partial_json and blocks.is_theirs(index):
            blocks.ask(index, delta.partial_json)
        elif delta.partial_json:
            self.answer.add_call(index, arguments=delta.partial_json)
        elif delta.thinking or delta.signature:
            more = {"thinking": delta.thinking, "signature": delta.signature}
            blocks.think(index, {field: piece for field, piece in more.items() if piece})
        elif delta.citation:
            blocks.cite(delta.citation)
