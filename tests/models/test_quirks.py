"""What endpoints refuse of a request, in their words: they are asked without it, at once and from then on."""

from __future__ import annotations

import json
import re

import pytest

from hermes_trio.errors import ModelFailed
from hermes_trio.http.client import open_http_client
from hermes_trio.models.providers.anthropic import AnthropicModel
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.models.providers.quirks import QUIRKS, plain_schema
from hermes_trio.models.providers.spelling import service
from hermes_trio.values.transcript import Keepsake, ModelRequest, ToolSpec
from tests.documents import pages
from tests.fakes.model_script import Item, Refused
from tests.fakes.openai_server import OpenAIFake
from tests.models.provider_cases import Calendar
from tests.models.quirk_cases import CASES, PLAIN, REPORTED, SCHEMA, entries

ALL = CASES + REPORTED


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


def request(of, own, beside="", *, tools=True):
    keepsake = Keepsake(of, own) if own is not None else None
    specs = (ToolSpec("sleep", "waits", SCHEMA),) if tools else ()
    return ModelRequest(prompt="be kind", entries=entries(keepsake, beside), tools=specs)


@pytest.mark.parametrize("case", ALL, ids=[f"{case.name}: {case.report or case.said[:40]}" for case in ALL])
async def test_what_is_refused_is_left_out_at_once_and_ever_after(case, nursery):
    fake = refusing(case)
    async with open_http_client(connect_s=2, read_s=5) as client:
        model, of = await model_of(nursery, client, fake, case.extra)
        for _ in range(2):
            answer = await model.complete(
                request(of, case.own, case.beside, tools=case.tools), key="sk-test", on_text=lambda _: None
            )
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
    assert plain_schema({"type": "object", "additionalProperties": True}) == {
        "type": "object",
        "properties": {},
    }
    words = re.findall(r"[$a-zA-Z]+", json.dumps(PLAIN))
    assert not {"exclusiveMinimum", "anyOf", "$schema", "additionalProperties"} & set(words)
