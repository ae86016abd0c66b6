"""What endpoints refuse of a request, in their words: they are asked without it, at once and from then on."""

from __future__ import annotations

import json
import re

import pytest

from hermes_trio.entries import (
    AssistantEntry,
    Keepsake,
    ModelRequest,
    ToolCall,
    ToolEntry,
    ToolSpec,
    UserEntry,
)
from hermes_trio.errors import ModelFailed
from hermes_trio.http import open_http_client
from hermes_trio.models.anthropic import AnthropicModel
from hermes_trio.models.openai import OpenAIModel
from hermes_trio.models.quirks import QUIRKS, plain_schema
from hermes_trio.models.spelling import service
from tests.documents import pages
from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.model_script import Item, Refused
from tests.fakes.openai_server import OpenAIFake
from tests.models.provider_cases import Calendar

SCHEMA = {
    "$schema": "x",
    "type": "object",
    "properties": {
        "seconds": {"type": ["integer", "null"], "exclusiveMinimum": 0, "description": "how long"},
        "default": {"anyOf": [{"type": "null"}, {"type": "string", "pattern": "a+"}]},
        "list": {"type": "array", "items": {"type": "string", "minLength": 1}},
    },
    "required": ["seconds"],
    "additionalProperties": False,
}
PLAIN = {
    "type": "object",
    "properties": {
        "seconds": {"type": "integer", "description": "how long"},
        "default": {"type": "string"},
        "list": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["seconds"],
}


def entries(keepsake=None):
    return (
        UserEntry("what time is it?"),
        AssistantEntry("", (ToolCall("c1", "sleep", '{"seconds":1}'),), keepsake=keepsake),
        ToolEntry("c1", "sleep", "half past noon"),
        AssistantEntry("Half past."),
        UserEntry("thanks"),
    )


def tools(body):
    return [tool.get("function", tool) for tool in body.get("tools") or ()]


def schemas(body):
    return [tool.get("parameters") or tool.get("input_schema") for tool in tools(body)]


def calling(body):
    return [message for message in body["messages"] if message.get("tool_calls")]


def blocks(body, *kinds):
    return [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] in kinds
    ]


class Case:
    """An endpoint that refuses.

    Args:
        name: of the row.
        wrong: whether a request has what it refuses.
        status, said: how.
        own: what the answer in the conversation came with, from this endpoint.
        extra: more fields of each request.
        fake: the protocol.
        lasting: the second request is not refused.
    """

    def __init__(self, name, wrong, status, said, *, own=None, extra=None, fake=OpenAIFake, lasting=True):
        self.name, self.wrong, self.status, self.said = name, wrong, status, said
        self.own, self.extra, self.fake, self.lasting = own, extra, fake, lasting


def alternates(body):
    roles = [message["role"] for message in body["messages"] if message["role"] != "system"]
    return "tool" not in roles


CASES = (
    Case(
        "stream_options",
        lambda body: "stream_options" in body,
        400,
        '{"external_model_error":"stream_options: Extra inputs are not permitted"}',
    ),
    Case("stream_options", lambda body: "stream_options" in body, 422, "Bad request."),
    Case(
        "schema keywords",
        lambda body: "exclusiveMinimum" in str(schemas(body)),
        400,
        'Invalid JSON payload received. Unknown name "exclusiveMinimum" at'
        " 'tools[0].function_declarations[0].parameters.properties[0].value': Cannot find field.",
    ),
    Case(
        "schema keywords",
        lambda body: "additionalProperties" in str(schemas(body)),
        400,
        "tools.0.custom.input_schema: JSON schema is invalid",
        fake=AnthropicFake,
    ),
    Case(
        "cache_control",
        lambda body: "cache_control" in str(body),
        400,
        "messages.0.content.0.cache_control: Extra inputs are not permitted",
        fake=AnthropicFake,
    ),
    Case(
        "tools",
        lambda body: "tools" in body or calling(body),
        400,
        "registry.ollama.ai/library/gemma3:4b does not support tools",
    ),
    Case(
        "tools",
        lambda body: "tools" in body,
        400,
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
    ),
    Case(
        "tools",
        lambda body: "tools" in body,
        404,
        "No endpoints found that support tool use. To learn more about provider routing, visit: https://x",
    ),
    Case(
        "reasoning for answers without",
        lambda body: any(not message.get("reasoning_content") for message in calling(body)),
        400,
        "The `reasoning_content` in the thinking mode must be passed back to the API.",
    ),
    Case(
        "reasoning for answers without",
        lambda body: any(not message.get("reasoning_content") for message in calling(body)),
        400,
        "thinking is enabled but reasoning_content is missing in assistant tool call message at index 2",
    ),
    Case(
        "reasoning",
        lambda body: "reasoning_content" in str(body["messages"]),
        400,
        "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property"
        " 'reasoning_content' is unsupported)]",
        own={"message": {"reasoning_content": "The clock."}},
    ),
    Case(
        "signatures for calls without",
        lambda body: any("extra_content" not in message["tool_calls"][0] for message in calling(body)),
        400,
        "Function call is missing a thought_signature in functionCall parts. This is required for tools to"
        " work correctly.",
    ),
    Case(
        "thinking",
        lambda body: "thinking" in body and not blocks(body, "thinking"),
        400,
        "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`. When"
        " `thinking` is enabled, a final `assistant` message must start with a thinking block.",
        extra={"thinking": {"type": "enabled", "budget_tokens": 1024}},
        fake=AnthropicFake,
        lasting=False,
    ),
    Case(
        "thinking",
        lambda body: blocks(body, "thinking"),
        400,
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        own={"thinking": [{"type": "thinking", "thinking": "hm", "signature": "old"}]},
        fake=AnthropicFake,
        lasting=False,
    ),
    Case(
        "the system role",
        lambda body: body["messages"][0]["role"] == "system",
        500,
        "Error rendering prompt with jinja template: System role not supported",
    ),
    Case(
        "empty content beside calls",
        lambda body: any(message["content"] == "" for message in calling(body)),
        400,
        "The text field in the ContentBlock object at messages.1.content.0 is blank.",
    ),
    Case(
        "tool messages",
        lambda body: not alternates(body),
        400,
        "After the optional system message, conversation roles must alternate user/assistant/user/...",
    ),
    Case(
        "tool messages",
        lambda body: not alternates(body),
        500,
        "Only user, assistant and system roles are supported!",
    ),
)


def refusing(case):
    class Refusing(case.fake):
        def check(self, request, body):
            key = super().check(request, body)
            if case.wrong(body):
                raise Refused(case.status, case.said)
            return key

    return Refusing()


async def model_of(nursery, client, fake, extra=None):
    url = await nursery.start(fake.serve)
    waits = {"first_byte_s": 3.0, "between_bytes_s": 3.0, "clock": Calendar(), "extra": extra}
    if isinstance(fake, OpenAIFake):
        return OpenAIModel(client, f"{url}/v1", "m", **waits), service(f"{url}/v1/chat/completions", "m")
    return AnthropicModel(client, url, "m", **waits), service(f"{url}/v1/messages", "m")


def request(of, own):
    keepsake = Keepsake(of, own) if own is not None else None
    return ModelRequest(
        prompt="be kind", entries=entries(keepsake), tools=(ToolSpec("sleep", "waits", SCHEMA),)
    )


@pytest.mark.parametrize("case", CASES, ids=[f"{case.name}: {case.said[:40]}" for case in CASES])
async def test_what_is_refused_is_left_out_at_once_and_ever_after(case, nursery):
    fake = refusing(case)
    async with open_http_client(connect_s=2, read_s=5) as client:
        model, of = await model_of(nursery, client, fake, case.extra)
        for _ in range(2):
            answer = await model.complete(request(of, case.own), key="sk-test", on_text=lambda _: None)
            assert answer.text == "you said: thanks"
    first, *later = [call.became for call in fake.calls]
    assert first == "refused"
    assert later == (["answered"] * 2 if case.lasting else ["answered", "refused", "answered"])
    if case.lasting:
        assert case.name in [quirk.name for quirk in model.endpoint.quirks]
    for text in ("thanks", "half past noon", "be kind"):
        assert text in json.dumps(fake.calls[-1].body, ensure_ascii=False)
    nursery.cancel_scope.cancel()


def test_every_row_is_tried_and_stands_on_the_page():
    rows = [quirk.name for quirk in QUIRKS]
    assert {case.name for case in CASES} == set(rows)
    assert [pages.code(name)[0] for name, _ in pages.table("docs/providers.md", "part")] == rows


WORDS = "OpenAI Anthropic Gemini DeepSeek Mistral Qwen Kimi MiniMax OpenRouter vLLM llama.cpp Ollama LocalAI"
FAMILIES = {*WORDS.split(), "LM Studio"}


def test_each_family_has_a_line_on_the_page_and_a_test():
    table = {family: shown for family, _, shown in pages.table("docs/providers.md", "family")}
    assert table.keys() >= FAMILIES
    assert all("::test_" in shown for shown in table.values())


async def test_a_part_that_was_taken_once_is_not_doubted_for_a_refusal_that_names_nothing(nursery):
    fake = OpenAIFake()
    fake.push(Item(text="fine"), Item(status=400, body={"error": {"message": "no"}}))
    async with open_http_client(connect_s=2, read_s=5) as client:
        model, of = await model_of(nursery, client, fake)
        await model.complete(request(of, None), key="sk-test", on_text=lambda _: None)
        with pytest.raises(ModelFailed) as failed:
            await model.complete(request(of, None), key="sk-test", on_text=lambda _: None)
    assert failed.value.kind == "malformed"
    assert len(fake.calls) == 2
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("status", [401, 402, 429, 413])
async def test_a_refusal_of_the_key_or_of_the_length_names_nothing(nursery, status):
    fake = OpenAIFake()
    fake.push(Item(status=status, body={"error": {"message": "stream_options, tools not supported"}}))
    async with open_http_client(connect_s=2, read_s=5) as client:
        model, of = await model_of(nursery, client, fake)
        with pytest.raises(ModelFailed):
            await model.complete(request(of, None), key="sk-test", on_text=lambda _: None)
    assert len(fake.calls) == 1
    nursery.cancel_scope.cancel()


async def test_what_did_not_help_is_not_remembered(nursery):
    fake = OpenAIFake(Item(status=400, body={"error": {"message": "stream_options? No: poison"}}))
    async with open_http_client(connect_s=2, read_s=5) as client:
        model, of = await model_of(nursery, client, fake)
        with pytest.raises(ModelFailed):
            await model.complete(request(of, None), key="sk-test", on_text=lambda _: None)
    assert model.endpoint.quirks == ()
    nursery.cancel_scope.cancel()


def test_a_schema_is_spelled_in_words_that_all_know():
    assert plain_schema(SCHEMA) == PLAIN
    words = re.findall(r"[$a-zA-Z]+", json.dumps(PLAIN))
    assert not {"exclusiveMinimum", "anyOf", "$schema", "additionalProperties"} & set(words)
