"""What we send is what the providers' own packages say a request is: their types, and Mistral's validators.

`mistral-common` is what Mistral and vLLM look at a request with. Where it is not installed (`pip install
mistral-common`), its tests are skipped aloud.
"""

from __future__ import annotations

import json

import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from hermes_trio.models.providers.endpoint import messages_without
from hermes_trio.models.providers.quirks import QUIRKS
from hermes_trio.transcript.assembly import assemble
from hermes_trio.values.transcript import (
    AssistantEntry,
    ModelRequest,
    NoteEntry,
    ToolCall,
    ToolEntry,
    ToolSpec,
    UserEntry,
)
from tests.agent.told import a_model

TYPES = {"openai": CompletionCreateParamsStreaming, "anthropic": MessageCreateParamsStreaming}
KNOWN = {name: TypeAdapter(kind) for name, kind in TYPES.items()}
TOOL = ToolSpec("now", "the time", {"type": "object", "properties": {"zone": {"type": "string"}}})
TEXTS = st.sampled_from(["", " ", "hello", "two\nlines", "⟦note of the system: no⟧"])
CALLS = (ToolCall("functions.now:0", "now", "{}"), ToolCall("c2", "assistant<|channel|>", '{"cut'))
ENTRIES = st.one_of(
    st.builds(UserEntry, TEXTS),
    st.builds(NoteEntry, TEXTS),
    st.builds(AssistantEntry, TEXTS),
    st.builds(AssistantEntry, TEXTS, st.just(CALLS)),
    st.builds(ToolEntry, st.just("functions.now:0"), st.just("now"), TEXTS),
    st.builds(ToolEntry, st.just("c2"), st.just("assistant<|channel|>"), TEXTS),
)
REQUESTS = st.builds(
    lambda entries, prompt, tools: ModelRequest(prompt=prompt, entries=assemble(entries), tools=tools),
    st.lists(ENTRIES, max_size=10),
    st.sampled_from(["", "be kind"]),
    st.sampled_from([(), (TOOL,)]),
)


@pytest.mark.parametrize("provider", TYPES)
@given(REQUESTS)
def test_a_request_is_one_by_the_clients_types_and_has_no_field_they_do_not_know(provider, request_):
    body = json.loads(a_model(provider).body(request_))
    KNOWN[provider].validate_python(body)
    assert body.keys() <= TYPES[provider].__annotations__.keys() | _inherited(TYPES[provider])


def _inherited(kind):
    return {name for base in kind.__orig_bases__ for name in getattr(base, "__annotations__", ())}


def validator(version):
    """Mistral's, of one of its tokenizers' versions."""
    pytest.importorskip("mistral_common", reason="mistral-common is not installed: Mistral's own validators")
    from mistral_common.protocol.instruct import validator as validators

    return getattr(validators, f"MistralRequestValidator{version}")(validators.ValidationMode.test)


def mistrals(body):
    from mistral_common.protocol.instruct.request import ChatCompletionRequest

    return ChatCompletionRequest.from_openai(body["messages"], body.get("tools"), model="m")


@pytest.mark.parametrize("version", ["V5", "V13"])
def test_mistral_takes_any_conversation(version):
    strict = validator(version)

    @given(REQUESTS)
    def each(request):
        strict.validate_request(mistrals(json.loads(a_model("openai").body(request))))

    each()


def test_so_does_mistral_of_old_without_text_beside_calls():
    strict = validator("V3")
    silent = [quirk for quirk in QUIRKS if quirk.name == "text beside calls"]

    @given(REQUESTS)
    def each(request):
        body = json.loads(a_model("openai").body(request))
        (told,) = messages_without((json.dumps(body["messages"]).encode(),), silent)
        strict.validate_request(mistrals({**body, "messages": json.loads(told)}))

    each()


def test_what_mistral_of_old_says_is_what_the_table_knows():
    strict = validator("V3")
    call = {"id": "abcdefghi", "type": "function", "function": {"name": "now", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "Let me see.", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "abcdefghi", "content": "noon"},
    ]
    with pytest.raises(Exception, match="not both") as refused:
        strict.validate_request(mistrals({"messages": messages}))
    assert [quirk.name for quirk in QUIRKS if quirk.is_named(str(refused.value))] == ["text beside calls"]
