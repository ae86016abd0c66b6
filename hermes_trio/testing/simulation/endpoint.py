"""What a model says as a stream of OpenAI's kind, oddities and all, read by what reads real ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from hermes_trio.errors import ModelFailed
from hermes_trio.models.providers.growing_answer import GrowingAnswer
from hermes_trio.models.providers.openai_stream import OpenAIStream
from hermes_trio.models.providers.sse import StreamEvent
from hermes_trio.models.providers.streamed_call import DONE
from hermes_trio.values.transcript import AssistantEntry, Entry, ModelAnswer, ToolCall

ODD_ENDS = ("eos", "length", "content_filter", "STOP_SEQUENCE", "max_output_tokens")
"""By which an answer that is whole ends at one endpoint or another."""
CUT_OFF = ("length", "content_filter", "max_output_tokens")
"""Those that say it is not."""


THOUGHT_ALOUD = ("<thi", "nk>Is it so?", " It is.</think>", "\n\n")
"""What nobody is shown, as it stands in a text."""


class Saying(Struct, frozen=True):
    """What a model says in one call.

    Args:
        pieces: of its text.
        call: the one that it wants.
        end: why it ended, in its provider's word.
        places: at how many the call comes, with one id.
        cut: its arguments have come half when it ends.
        aloud: its text begins with what it thinks, between marks.
        loose: pieces of text come in lists of parts.
    """

    pieces: tuple[str, ...] = ()
    call: ToolCall | None = None
    end: str = "stop"
    places: int = 1
    cut: bool = False
    aloud: bool = False
    loose: bool = False


def odd_end(n: int) -> str:
    """How the answer to message n ends where that is asked for."""
    return ODD_ENDS[n % len(ODD_ENDS)]


def answer_of(saying: Saying, of: str) -> tuple[ModelAnswer, tuple[str, ...]]:
    """The answer as the gateway has it, and the pieces that were handed out.

    Args:
        of: which model says it.

    Raises:
        ModelFailed: it says nothing, and will not answer.
    """
    pieces: list[str] = []
    answer = GrowingAnswer(pieces.append, unnamed="unnamed", of=of)
    stream = OpenAIStream(answer, lambda body: ModelFailed("unknown", body.decode()))
    for data in events_of(saying):
        stream.take(StreamEvent("message", data))
    return answer.result(), tuple(pieces)


def events_of(saying: Saying) -> Iterator[str]:
    """What stands in the events of its stream."""
    call = saying.call
    if call is not None:
        yield _chunk({"reasoning_content": thought_of(call.id)})
    for piece in (*THOUGHT_ALOUD, *saying.pieces) if saying.aloud else saying.pieces:
        yield _chunk({"content": [{"type": "text", "text": piece}] if saying.loose else piece})
    for place in range(saying.places if call is not None else 0):
        assert call is not None
        arguments = call.arguments[: len(call.arguments) // 2] if saying.cut else call.arguments
        function = {"name": call.name, "arguments": arguments}
        yield _chunk({"tool_calls": [{"index": place, "id": call.id, "function": function}]})
    yield _chunk({}, saying.end)
    yield DONE


def _chunk(delta: dict[str, Any], end: str | None = None) -> str:
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": end}]})


def thought_of(call: str) -> str:
    """What the model thought before it made the call of this id."""
    return f"I think of {call}"


def forgotten(entries: tuple[Entry, ...]) -> str:
    """The id of a call of which it is not shown again what it thought; "" if there is none."""
    for entry in entries:
        if isinstance(entry, AssistantEntry) and entry.calls:
            id, kept = entry.calls[0].id, entry.keepsake.data if entry.keepsake is not None else {}
            if kept != {"message": {"reasoning_content": thought_of(id)}}:
                return id
    return ""
