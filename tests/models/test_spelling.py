"""A conversation in a provider's spelling: the same bytes, however much of it was spelled before."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.entries import (
    AssistantEntry,
    ModelRequest,
    NoteEntry,
    Spelled,
    ToolCall,
    ToolEntry,
    ToolSpec,
    UserEntry,
)
from hermes_trio.models import anthropic, openai
from tests.river.told import MARK, a_model

ENTRIES = st.one_of(
    st.builds(UserEntry, st.text(max_size=5)),
    st.builds(NoteEntry, st.text(max_size=5)),
    st.builds(AssistantEntry, st.text(max_size=5)),
    st.builds(AssistantEntry, st.text(max_size=5), st.just((ToolCall("c", "look", "{}"),))),
    st.builds(ToolEntry, st.just("c"), st.just("look"), st.text(max_size=5)),
)
LISTS = st.lists(ENTRIES, max_size=6)
TOOLS = (ToolSpec("now", "the time", {"type": "object"}),)


@pytest.mark.parametrize("spell", [openai.spell, anthropic.spell], ids=["openai", "anthropic"])
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
