"""What a provider must see again of its own answers is sent back to it as it came, and to nobody else."""

from __future__ import annotations

import json
import re

import pytest

from hermes_trio.agent.context_window import entries_of
from hermes_trio.models.providers.anthropic_stream import AnthropicStream
from hermes_trio.models.providers.growing_answer import GrowingAnswer
from hermes_trio.models.providers.openai_stream import OpenAIStream
from hermes_trio.models.providers.sse import StreamEvent
from hermes_trio.values.transcript import ModelRequest, ToolEntry, UserEntry
from tests.agent.told import a_model


def chunk(finish=None, **delta):
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def called(id, **more):
    return {"index": 0, "id": id, "type": "function", "function": {"name": "now", "arguments": "{}"}, **more}


def block(index, of, *deltas):
    return [
        {"type": "content_block_start", "index": index, "content_block": of},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


USE = block(2, {"type": "tool_use", "id": "t1", "name": "now", "input": {}})
STOP = [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}}, {"type": "message_stop"}]
DETAILS = [
    [{"type": "reasoning.summary", "summary": "Look ", "index": 0}],
    [{"type": "reasoning.summary", "summary": "up.", "index": 0, "format": "openai-responses-v1"}],
    [{"type": "reasoning.encrypted", "data": "c2VjcmV0", "id": "rs_1", "index": 0}],
]
SIGNED = {"google": {"thought_signature": "c2ln"}}
CASES = {
    "DeepSeek": (
        "openai",
        [
            chunk(reasoning_content="I need "),
            chunk(reasoning_content="the clock."),
            chunk(tool_calls=[called("call_1")]),
            chunk("tool_calls"),
        ],
        {"reasoning_content": "I need the clock."},
    ),
    "vLLM": (
        "openai",
        [chunk(reasoning="Look."), chunk("tool_calls", tool_calls=[called("call_1")])],
        {"reasoning": "Look."},
    ),
    "OpenRouter": (
        "openai",
        [
            *(chunk(reasoning="x", reasoning_details=details) for details in DETAILS),
            chunk("tool_calls", tool_calls=[called("call_1")]),
        ],
        {
            "reasoning_details": [
                {
                    "type": "reasoning.summary",
                    "summary": "Look up.",
                    "index": 0,
                    "format": "openai-responses-v1",
                },
                {"type": "reasoning.encrypted", "data": "c2VjcmV0", "id": "rs_1", "index": 0},
            ]
        },
    ),
    "Gemini": (
        "openai",
        [chunk(tool_calls=[called("function-call-1", extra_content=SIGNED)]), chunk("tool_calls")],
        {"extra_content": SIGNED},
    ),
    "Gemini without ids": (
        "openai",
        [chunk(tool_calls=[called("", extra_content=SIGNED)]), chunk("tool_calls")],
        {"extra_content": SIGNED},
    ),
    "Anthropic": (
        "anthropic",
        [
            *block(
                0,
                {"type": "thinking", "thinking": "", "signature": ""},
                {"type": "thinking_delta", "thinking": "I need "},
                {"type": "thinking_delta", "thinking": "the clock."},
                {"type": "signature_delta", "signature": "c2ln"},
            ),
            *block(1, {"type": "redacted_thinking", "data": "c2VjcmV0"}),
            *USE,
            *STOP,
        ],
        [
            {"type": "thinking", "thinking": "I need the clock.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "c2VjcmV0"},
        ],
    ),
}


def answered(protocol, events, of):
    growing = GrowingAnswer(lambda _: None, "call", of=of)
    stream = (OpenAIStream if protocol == "openai" else AnthropicStream)(growing, None)
    for event in events:
        stream.take(StreamEvent("message", json.dumps(event)))
    return growing.result()


def asked(model, entry):
    entries = (UserEntry("time?"), entry, ToolEntry(entry.calls[0].id, "now", "noon"))
    return json.loads(model.body(ModelRequest(prompt="", entries=entries)))["messages"][1]


@pytest.mark.parametrize("name", CASES)
def test_it_is_sent_back_to_whom_it_is_of(name):
    protocol, events, kept = CASES[name]
    model = a_model(protocol)
    told = asked(model, *entries_of(answered(protocol, events, model.spell.of)))
    if protocol == "anthropic":
        assert told["content"][:-1] == kept
        assert told["content"][-1]["id"] == "t1"
    else:
        own = {"reasoning_content", "reasoning", "reasoning_details"} & told.keys()
        extra = {"extra_content": told["tool_calls"][0].get("extra_content")} if "Gemini" in name else {}
        assert {field: told[field] for field in own} | extra == kept


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("other", ["openai", "anthropic"])
def test_nobody_else_is_shown_it(name, other):
    protocol, events, _ = CASES[name]
    told = json.dumps(asked(a_model(other), *entries_of(answered(protocol, events, "another's"))))
    for word in ("reasoning", "extra_content", "thinking", "the clock", "c2ln", "call_1", "t1"):
        assert word not in told


def test_a_signature_in_an_id_comes_back_and_is_told_nobody_else():
    """So LiteLLM passes on what Gemini signs."""
    id = f"call_1__thought__{'c2ln' * 600}"
    events = [chunk(tool_calls=[called(id)]), chunk("tool_calls")]
    model = a_model("openai")
    told = asked(model, *entries_of(answered("openai", events, model.spell.of)))
    assert told["tool_calls"][0]["id"] == id
    told = asked(model, *entries_of(answered("openai", events, "another's")))
    assert re.fullmatch("[0-9a-f]{9}", told["tool_calls"][0]["id"])


@pytest.mark.parametrize("cut", [1, 3, 100])
def test_thinking_that_stood_in_the_text_stands_there_again_for_whom_it_is_of(cut):
    """MiniMax wants all of it back, Qwen's and DeepSeek's templates make of it what they need."""
    said = "<think>\nthe ⟦plan⟧\n</think>\n\nI look."
    pieces = [chunk(content=said[at : at + cut]) for at in range(0, len(said), cut)]
    events = [*pieces, chunk("tool_calls", tool_calls=[called("call_1")])]
    model = a_model("openai")
    answer = answered("openai", events, model.spell.of)
    assert answer.text == "I look."
    assert asked(model, *entries_of(answer))["content"] == "<think>\nthe [plan]\n</think>\n\nI look."
    assert asked(model, *entries_of(answered("openai", events, "another's")))["content"] == "I look."


def test_an_answer_without_calls_has_nothing_to_show_again():
    answer = answered("openai", [chunk(reasoning_content="hm"), chunk("stop", content="Hello.")], "x")
    assert answer.keepsake is None


def test_of_thoughts_without_end_nothing_is_kept():
    events = [chunk(reasoning_content="x" * 1000)] * 201 + [chunk("tool_calls", tool_calls=[called("a")])]
    assert answered("openai", events, "x").keepsake.data == {}


def test_what_is_nested_too_deep_is_not_kept():
    deep = {}
    for _ in range(55):
        deep = {"x": deep}
    call = called("a", extra_content=deep)
    assert answered("openai", [chunk("tool_calls", tool_calls=[call])], "x").keepsake.data == {}


def test_half_a_character_of_a_thought_is_no_harm():
    events = [
        chunk(reasoning_content="\ud83d"),
        chunk(reasoning_content="\ude00"),
        chunk(reasoning_content="\ud83d"),
        chunk("tool_calls", tool_calls=[called("a")]),
    ]
    kept = answered("openai", events, "x").keepsake.data
    assert kept == {"message": {"reasoning_content": "😀\ufffd"}}
