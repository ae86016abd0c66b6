"""What a model gives beside text and calls is bounded too, however small or odd its pieces are."""

from __future__ import annotations

import itertools
import tracemalloc

import msgspec
import pytest

from hermes_trio.errors import ModelFailed
from hermes_trio.models.providers.anthropic_stream import AnthropicStream
from hermes_trio.models.providers.growing_answer import GrowingAnswer
from hermes_trio.models.providers.openai_stream import OpenAIStream
from hermes_trio.models.providers.sse import StreamEvent
from hermes_trio.values.transcript import ToolCall

LONG = "hm, " * 5_000


def openai(n, delta):
    return {"choices": [{"index": 0, "delta": delta}]}


def details(*parts):
    return {"reasoning_details": list(parts)}


def anthropic_delta(n, delta):
    return {"type": "content_block_delta", "index": 0, "delta": delta}


def anthropic_block(n, block):
    return {"type": "content_block_start", "index": n, "content_block": block}


ENDLESS = {
    "thoughts of OpenAI's": (OpenAIStream, lambda n: openai(n, {"reasoning_content": LONG})),
    "parts without a text": (
        OpenAIStream,
        lambda n: openai(n, details(*({"index": n * 1000 + at} for at in range(1000)))),
    ),
    "fields of a part": (
        OpenAIStream,
        lambda n: openai(n, details({"index": 0} | {f"f{n}.{at}": 1 for at in range(1000)})),
    ),
    "one field that changes": (
        OpenAIStream,
        lambda n: openai(n, details(*({"index": 0, "x": [at] * 500} for at in range(50)))),
    ),
    "what calls came with": (
        OpenAIStream,
        lambda n: openai(n, {"tool_calls": [{"index": 0, "id": f"c{n}", "extra_content": {"x": LONG}}]}),
    ),
    "thoughts of Anthropic's": (
        AnthropicStream,
        lambda n: anthropic_delta(n, {"type": "thinking_delta", "thinking": LONG}),
    ),
    "thoughts of one letter": (
        AnthropicStream,
        lambda n: {
            "type": "message",
            "content": [{"type": "thinking", "thinking": "a"} for _ in range(2000)],
        },
    ),
    "citations": (
        AnthropicStream,
        lambda n: anthropic_delta(n, {"type": "citations_delta", "citation": {"cited_text": LONG}}),
    ),
    "thoughts that only begin": (
        AnthropicStream,
        lambda n: anthropic_block(n, {"type": "thinking", "thinking": LONG}),
    ),
    "tools of the service's own": (
        AnthropicStream,
        lambda n: anthropic_block(n, {"type": "server_tool_use", "id": "a", "input": {"x": LONG}}),
    ),
}


def refused(body):
    return ModelFailed("transport", body.decode())


@pytest.mark.parametrize("kind", ENDLESS)
def test_thoughts_without_end_are_read_no_further_and_take_little(kind):
    stream, event = ENDLESS[kind]
    answer = GrowingAnswer(lambda _: None, "c")
    taking = stream(answer, refused)
    tracemalloc.start()
    for n in itertools.count():
        assert n < 3_000
        if taking.take(StreamEvent("message", msgspec.json.encode(event(n)).decode())) == "full":
            break
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 8 << 20


@pytest.mark.parametrize(
    "take",
    [lambda one: one.add_text("\0"), lambda one: one.add_call(0), lambda one: one.add_call(None)],
    ids=["a text of nothing", "a call of nothing", "a call of nothing without a number"],
)
def test_an_answer_of_nothing_ends_too(take):
    answer = GrowingAnswer(lambda _: None, "c")
    for _ in range(1_100_000):
        take(answer)
        if answer.full:
            break
    assert answer.full


def test_a_thought_in_tokens_is_kept_whole_as_far_as_its_own_characters_fit():
    answer = GrowingAnswer(lambda _: None, "c")
    taking = OpenAIStream(answer, refused)
    part = {"type": "reasoning.text", "index": 0, "format": "anthropic-claude-v1", "text": "hm, "}
    for _ in range(40_000):
        taking.take(StreamEvent("message", msgspec.json.encode(openai(0, details(part))).decode()))
    kept = answer.thought.with_calls([ToolCall("c", "now", "{}")], [])
    assert kept["message"]["reasoning_details"][0]["text"] == "hm, " * 40_000


@pytest.mark.parametrize("number", [[], {}, [1], None, "1", 1.5])
def test_an_odd_number_of_a_part_costs_nothing(number):
    answer = GrowingAnswer(lambda _: None, "c")
    taking = OpenAIStream(answer, refused)
    part = {"type": number, "index": number, "text": "hm"}
    assert (
        taking.take(StreamEvent("message", msgspec.json.encode(openai(0, details(part))).decode())) == "life"
    )
