"""A conversation in a provider's spelling: the same bytes, however much of it was spelled before."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hermes_trio.models.providers.anthropic_spelling import AnthropicSpelling
from hermes_trio.models.providers.openai_spelling import OpenAISpelling
from hermes_trio.models.providers.spelling import GO_ON
from hermes_trio.transcript.assembly import assemble
from hermes_trio.values.transcript import (
    AssistantEntry,
    Keepsake,
    ModelRequest,
    NoteEntry,
    Spelled,
    ToolCall,
    ToolEntry,
    ToolSpec,
    UserEntry,
)
from tests.agent.told import MARK, a_model
from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.http_server import Request
from tests.fakes.openai_server import OpenAIFake

ENTRIES = st.one_of(
    st.builds(UserEntry, st.text(max_size=5)),
    st.builds(NoteEntry, st.text(max_size=5)),
    st.builds(AssistantEntry, st.text(max_size=5)),
    st.builds(AssistantEntry, st.text(max_size=5), st.just((ToolCall("c", "look", "{}"),))),
    st.builds(ToolEntry, st.just("c"), st.just("look"), st.text(max_size=5)),
)
LISTS = st.lists(ENTRIES, max_size=6)
TOOLS = (ToolSpec("now", "the time", {"type": "object"}),)


@pytest.mark.parametrize("spell", [OpenAISpelling(), AnthropicSpelling()], ids=["openai", "anthropic"])
@given(LISTS, LISTS)
def test_more_may_be_spelled_behind_a_beginning(spell, before, after):
    assert spell(spell(Spelled(), before), after) == spell(Spelled(), [*before, *after])


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@given(LISTS, LISTS, st.sampled_from(["", "be kind"]))
def test_a_request_is_the_same_with_a_beginning_that_was_spelled_before(provider, before, after, prompt):
    model = a_model(provider)
    whole = ModelRequest(prompt=prompt, entries=(*before, *after), tools=TOOLS)
    earlier = {model.spell: model.spell(Spelled(), before)}
    body = model.body(ModelRequest(prompt=prompt, entries=tuple(after), tools=TOOLS, earlier=earlier))
    assert MARK.sub(b"", body) == MARK.sub(b"", model.body(whole))
    json.loads(body)


@given(st.lists(ENTRIES, max_size=12), st.sampled_from(["", "be kind"]))
def test_the_strictest_template_takes_any_conversation(entries, prompt):
    body = json.loads(a_model("openai").body(ModelRequest(prompt=prompt, entries=assemble(entries))))
    roles = [message["role"][0] for message in body["messages"] if message["role"] != "system"]
    assert re.fullmatch("(ua(t+a)*)*(u|ua(t+a)*t+)", "".join(roles))
    assert [message["role"] for message in body["messages"]].count("system") == bool(prompt)
    assert all(isinstance(message["content"], str) for message in body["messages"])


@pytest.mark.parametrize("fake", [OpenAIFake, AnthropicFake])
@given(st.lists(ENTRIES, max_size=12), st.sampled_from(["", "be kind"]))
def test_a_service_that_wants_each_call_answered_takes_any_conversation(fake, entries, prompt):
    """Anthropic's also wants roles in turn, and no text that is blank."""
    provider = "anthropic" if fake is AnthropicFake else "openai"
    body = a_model(provider).body(ModelRequest(prompt=prompt, entries=assemble(entries)))
    headers = {"authorization": "Bearer sk", "anthropic-version": "2023-06-01"}
    fake().check(Request("POST", fake.path, {}, headers, body, None), json.loads(body))


def test_what_one_side_says_on_end_is_one_message():
    entries = (
        UserEntry("one"),
        NoteEntry("noon"),
        UserEntry('"two"'),
        AssistantEntry("so"),
        AssistantEntry("well"),
    )
    body = json.loads(a_model("openai").body(ModelRequest(prompt="", entries=entries)))
    assert [message["content"] for message in body["messages"]] == [
        'one\n\n⟦note of the system: noon⟧\n\n"two"',
        "so\n\nwell",
        GO_ON,
    ]


CALLS = (ToolCall("functions.now:0", "now", "{}"), ToolCall("functions.add:1", "a<|b|>c d", "{}"))
CALLED = (
    UserEntry("go"),
    AssistantEntry("", CALLS),
    *(ToolEntry(call.id, call.name, "so") for call in CALLS),
)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_ids_of_another_provider_are_such_as_all_take_and_no_two_are_alike(provider):
    body = a_model(provider).body(ModelRequest(prompt="", entries=CALLED * 2)).decode()
    called = re.findall('"id":"([^"]*)"', body)
    assert [re.fullmatch("[a-z0-9]{9}", id) is not None for id in called] == [True] * 4
    assert len(set(called)) == 4
    assert re.findall('"(?:tool_call_id|tool_use_id)":"([^"]*)"', body) == called
    assert re.findall('"name":"([^"]*)"', body) == ["now", "a__b__c_d"] * 2


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_ids_of_its_own_a_provider_has_back_as_it_gave_them(provider):
    model = a_model(provider)
    own = replace(CALLED[1], keepsake=Keepsake(model.spell.of))
    body = model.body(ModelRequest(prompt="", entries=(CALLED[0], own, *CALLED[2:]))).decode()
    assert re.findall('"(?:id|tool_call_id|tool_use_id)":"([^"]*)"', body) == [call.id for call in CALLS] * 2


@given(LISTS, LISTS, st.sampled_from(["", "be kind"]))
def test_anthropic_is_told_what_to_keep(before, after, prompt):
    model = a_model("anthropic")
    earlier = {model.spell: model.spell(Spelled(), before)}
    asked = ModelRequest(prompt=prompt, entries=tuple(after), tools=TOOLS, earlier=earlier)
    body = json.loads(model.body(asked))
    blocks = [block for message in body["messages"] for block in message["content"]]
    marks = [n for n, block in enumerate(blocks) if "cache_control" in block]
    told_before = sum(len(message["content"]) for message in _messages(earlier[model.spell]))
    assert marks == sorted({told_before - 1, len(blocks) - 1} - {-1})
    assert ["cache_control" in block for block in body.get("system", [])] == [True] * bool(prompt)


def _messages(spelled):
    return json.loads(b"[%b]}]" % spelled.body) if spelled.body else []
