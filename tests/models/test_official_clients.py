"""The official clients are the witnesses: a fake they refuse is no fake of their provider."""

from __future__ import annotations

import anthropic
import openai
import pytest
import trio

from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.model_script import Call, Item
from tests.fakes.openai_server import OpenAIFake

TOOL = {"name": "now", "description": "the time", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture
async def openai_fake(nursery):
    fake = OpenAIFake()
    url = await nursery.start(fake.serve)
    with openai.OpenAI(api_key="sk-1", base_url=f"{url}/v1", max_retries=0, timeout=5) as client:
        yield fake, client
    nursery.cancel_scope.cancel()


@pytest.fixture
async def anthropic_fake(nursery):
    fake = AnthropicFake()
    url = await nursery.start(fake.serve)
    with anthropic.Anthropic(api_key="sk-2", base_url=url, max_retries=0, timeout=5) as client:
        yield fake, client
    nursery.cancel_scope.cancel()


def ask_openai(client):
    with client.chat.completions.stream(
        model="gpt-5",
        messages=[{"role": "user", "content": "hello there"}],
        tools=[{"type": "function", "function": TOOL}],
        stream_options={"include_usage": True},
    ) as stream:
        return stream.get_final_completion()


def ask_anthropic(client):
    tool = {"name": "now", "description": "the time", "input_schema": TOOL["parameters"]}
    with client.messages.stream(
        model="claude", max_tokens=99, messages=[{"role": "user", "content": "hello there"}], tools=[tool]
    ) as stream:
        return stream.get_final_message()


async def test_openai_reads_a_streamed_text(openai_fake):
    fake, client = openai_fake
    answer = await trio.to_thread.run_sync(ask_openai, client)
    assert answer.choices[0].message.content == "you said: hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.completion_tokens == 5
    assert fake.calls[0].key == "sk-1"


async def test_openai_reads_a_text_held_and_streamed_slowly(openai_fake):
    fake, client = openai_fake
    fake.push(Item(text="slow but whole", hold=2, gap_ms=1))
    async with trio.open_nursery() as nursery:
        answers = []

        async def ask():
            answers.append(await trio.to_thread.run_sync(ask_openai, client))

        nursery.start_soon(ask)
        await fake.until_held()
        fake.release()
    assert answers[0].choices[0].message.content == "slow but whole"


async def test_openai_reads_tool_calls(openai_fake):
    fake, client = openai_fake
    fake.push(Item(text="let me see", calls=[Call("now"), Call("now", '{"zone": "UTC"}')]))
    message = (await trio.to_thread.run_sync(ask_openai, client)).choices[0].message
    assert message.content == "let me see"
    assert [call.function.arguments for call in message.tool_calls] == ["{}", '{"zone": "UTC"}']
    assert len({call.id for call in message.tool_calls}) == 2


async def test_openai_sees_a_429(openai_fake):
    fake, client = openai_fake
    body = {
        "error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
    }
    fake.push(Item(status=429, body=body, headers={"retry-after": "2"}))
    with pytest.raises(openai.RateLimitError) as limited:
        await trio.to_thread.run_sync(ask_openai, client)
    assert limited.value.code == "rate_limit_exceeded"
    assert limited.value.response.headers["retry-after"] == "2"


async def test_anthropic_reads_a_streamed_text(anthropic_fake):
    fake, client = anthropic_fake
    answer = await trio.to_thread.run_sync(ask_anthropic, client)
    assert [(block.type, block.text) for block in answer.content] == [("text", "you said: hello there")]
    assert (answer.stop_reason, answer.usage.output_tokens) == ("end_turn", 5)
    assert fake.calls[0].key == "sk-2"


async def test_anthropic_reads_tool_calls(anthropic_fake):
    fake, client = anthropic_fake
    fake.push(Item(text="let me see", calls=[Call("now"), Call("now", '{"zone": "UTC"}')]))
    answer = await trio.to_thread.run_sync(ask_anthropic, client)
    assert [block.type for block in answer.content] == ["text", "tool_use", "tool_use"]
    assert [block.input for block in answer.content[1:]] == [{}, {"zone": "UTC"}]
    fake.push(Item(calls=[Call("now")]))
    answer = await trio.to_thread.run_sync(ask_anthropic, client)
    assert [block.type for block in answer.content] == ["tool_use"]


async def test_anthropic_sees_a_429(anthropic_fake):
    fake, client = anthropic_fake
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    fake.push(Item(status=429, body=body, headers={"retry-after": "2"}))
    with pytest.raises(anthropic.RateLimitError, match="slow down"):
        await trio.to_thread.run_sync(ask_anthropic, client)
