"""Tools that a provider runs itself: what they did goes back as it came; an answer that paused goes on."""

from __future__ import annotations

import json

import pytest
import trio
from msgspec.structs import replace

from hermes_trio import AnthropicModel, Candidate, Candidates, ModelAgent, open_gateway, open_http_client
from hermes_trio.agent.context_window import entries_of
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.models.providers.spelling import GO_ON
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import MemoryPlatform
from hermes_trio.transcript.assembly import assemble
from hermes_trio.values.identity import Secret
from hermes_trio.values.transcript import (
    AssistantEntry,
    Keepsake,
    ModelRequest,
    Spelled,
    ToolCall,
    ToolEntry,
    UserEntry,
)
from tests.agent.test_agent import ATool
from tests.agent.told import a_model
from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.model_script import Item, event
from tests.models.provider_cases import Calendar
from tests.models.test_kept_thoughts import answered, block

CITED = {"type": "web_search_result_location", "url": "https://example.org", "encrypted_index": "aWR4"}
FOUND = [{"type": "web_search_result", "url": "https://example.org", "encrypted_content": "c2ln"}]
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def use(id):
    return {"type": "server_tool_use", "id": id, "name": "web_search", "input": {"query": f"tea {id}"}}


def found(id):
    return {"type": "web_search_tool_result", "tool_use_id": id, "content": FOUND}


def searching(index, id):
    """A call of theirs as it is streamed."""
    begun = {**use(id), "input": {}}
    asked = json.dumps(use(id)["input"])
    pieces = [{"type": "input_json_delta", "partial_json": piece} for piece in (asked[:5], asked[5:])]
    return block(index, begun, *pieces)


def text(index, said, *more):
    pieces = [{"type": "text_delta", "text": piece} for piece in (said[:3], said[3:])]
    return block(index, {"type": "text", "text": ""}, *pieces, *more)


def ends(reason):
    return [{"type": "message_delta", "delta": {"stop_reason": reason}}, {"type": "message_stop"}]


THOUGHT = block(
    0,
    {"type": "thinking", "thinking": "", "signature": ""},
    {"type": "thinking_delta", "thinking": "Look."},
    {"type": "signature_delta", "signature": "c2ln"},
)
PAUSED = [
    *THOUGHT,
    *text(1, "I search."),
    *searching(2, "s1"),
    *block(3, found("s1")),
    *text(4, "It is green.", {"type": "citations_delta", "citation": CITED}),
    *block(5, {"type": "text", "text": ""}),
    *searching(6, "s2"),
    *ends("pause_turn"),
]
CAME = [
    {"type": "thinking", "thinking": "Look.", "signature": "c2ln"},
    {"type": "text", "text": "I search."},
    use("s1"),
    found("s1"),
    {"type": "text", "text": "It is green.", "citations": [CITED]},
    use("s2"),
]
"""What that is as it must go back: all of it but the blank text, which is refused."""


def messages(*entries):
    asked = ModelRequest(prompt="", entries=assemble((UserEntry("tea?"), *entries)))
    body = a_model("anthropic").body(asked).replace(b',"cache_control":{"type":"ephemeral"}', b"")
    return json.loads(body)["messages"]


def answer_of(events):
    return answered("anthropic", events, a_model("anthropic").spell.of)


def paused():
    return entries_of(answer_of(PAUSED))


def test_an_answer_that_paused_goes_back_as_it_came_and_is_the_last_word():
    assert answer_of(PAUSED).finish == "unfinished"
    assert messages(*paused())[1:] == [{"role": "assistant", "content": CAME}]


def test_one_that_came_at_once_too():
    whole = {"type": "message", "content": CAME, "stop_reason": "pause_turn"}
    assert messages(*entries_of(answer_of([whole])))[1:] == [{"role": "assistant", "content": CAME}]


def test_what_it_goes_on_with_stands_behind_it():
    """The result of the call with which it paused comes first; then it calls one of our tools."""
    used = block(1, {"type": "tool_use", "id": "t1", "name": "now", "input": {}})
    more = entries_of(answer_of([*block(0, found("s2")), *used, *ends("tool_use")]))
    told = messages(*paused(), *more, ToolEntry("t1", "now", "noon"))
    call = {"type": "tool_use", "id": "t1", "name": "now", "input": {}}
    assert told[1] == {"role": "assistant", "content": [*CAME, found("s2"), call]}
    assert [one["type"] for one in told[2]["content"]] == ["tool_result"]


@pytest.mark.parametrize("next_one", [UserEntry("stop"), AssistantEntry("Green, I think.")])
def test_where_somebody_else_speaks_next_a_call_without_result_is_left_out(next_one):
    told = messages(*paused(), next_one, UserEntry("and?"))
    content = told[1]["content"]
    assert content[:5] == CAME[:-1]
    assert use("s2") not in content


def test_a_result_without_its_call_is_left_out():
    """What was said before was left out: the conversation was too long."""
    used = block(1, {"type": "tool_use", "id": "t1", "name": "now", "input": {}})
    more = entries_of(answer_of([*block(0, found("s2")), *used, *ends("tool_use")]))
    told = messages(*more, ToolEntry("t1", "now", "noon"))
    assert [one["type"] for one in told[1]["content"]] == ["tool_use"]


def test_nobody_else_is_shown_it():
    for other in ("openai", "anthropic"):
        model = a_model(other)
        entries = [replace(one, keepsake=Keepsake("another's", one.keepsake.data)) for one in paused()]
        body = model.body(ModelRequest(prompt="", entries=assemble((UserEntry("tea?"), *entries))))
        said = json.loads(body)["messages"][-1]
        assert GO_ON in json.dumps(said, ensure_ascii=False)
        assert b"server_tool_use" not in body
        assert b"It is green." in body


def test_a_pause_amid_nothing_of_theirs_is_asked_to_go_on_in_words():
    answer = answer_of([*text(0, "Let me see."), *ends("pause_turn")])
    assert (answer.finish, answer.keepsake) == ("unfinished", None)
    assert "Go on." in json.dumps(messages(*entries_of(answer))[-1])


def test_of_more_than_can_be_kept_nothing_is():
    huge = {**found("s1"), "content": [{**FOUND[0], "encrypted_content": "x" * 200_001}]}
    answer = answer_of([*text(0, "I search."), *searching(1, "s1"), *block(2, huge), *ends("pause_turn")])
    assert answer.keepsake is None


@pytest.mark.parametrize("cut", range(4))
def test_it_is_told_the_same_however_much_of_it_was_told_before(cut):
    spell = a_model("anthropic").spell
    entries = [UserEntry("tea?"), *paused(), *paused(), UserEntry("and?")]
    whole = spell(Spelled(), entries)
    assert spell(spell(Spelled(), entries[:cut]), entries[cut:]) == whole
    assert spell.ended(spell(spell(Spelled(), entries[:cut]), entries[cut:3])) == spell.ended(
        spell(Spelled(), entries[:3])
    )


def test_a_call_of_ours_whose_id_was_replaced_is_told_without_theirs():
    events = [*searching(0, "s1"), *block(1, found("s1"))]
    events += [*block(2, {"type": "tool_use", "id": "", "name": "now", "input": {}}), *ends("tool_use")]
    answer = answer_of(events)
    assert answer.calls == (ToolCall("call-0", "now", "{}"),)
    told = messages(*entries_of(answer), ToolEntry("call-0", "now", "noon"))
    assert [one["type"] for one in told[1]["content"]] == ["tool_use"]


def streamed(fake, events):
    head = fake.head({"model": "m"})
    return Item(events=[head, *(event(one, one["type"]) for one in events)])


async def conversation(nursery, tmp_path, *answers, default=None):
    """What the user is told, and what the provider was asked."""
    fake, platform = AnthropicFake(default), MemoryPlatform()
    fake.push(*(streamed(fake, events) for events in answers))
    url = await nursery.start(fake.serve)

    async def look(arguments, call):
        return "noon"

    async with open_http_client(connect_s=2, read_s=5) as client:
        chance = seeded_chance("pause")
        waits = {"first_byte_s": 3.0, "between_bytes_s": 3.0, "clock": Calendar()}
        model = AnthropicModel(client, url, "m", extra={"tools": [SEARCH]}, **waits)
        pool = KeyPool([Secret("sk-test")], clock=Calendar(), chance=chance)
        agent = ModelAgent(Candidates([Candidate(model, pool)], chance=chance), tools=[ATool("now", look)])
        async with open_gateway(agent, platforms=[platform], store=tmp_path / "bot.db"):
            for said, count in (("tea?", 1), ("thanks", 2)):
                platform.push(platform.message("ada", said))
                with trio.fail_after(20):
                    while len(platform.texts("ada")) < count:
                        await platform.changed()
    nursery.cancel_scope.cancel()
    return platform.texts("ada"), fake.calls


async def test_a_turn_goes_on_through_pauses_and_calls_and_the_next_one_is_taken(nursery, tmp_path):
    """The fake refuses calls without results and results without calls, its own and ours."""
    used = block(1, {"type": "tool_use", "id": "t1", "name": "now", "input": {}})
    again = [*block(0, found("s2")), *used, *ends("tool_use")]
    said, calls = await conversation(
        nursery, tmp_path, PAUSED, again, [*text(0, "Green tea."), *ends("end_turn")]
    )
    assert said == ["Green tea.", "you said: thanks"]
    assert [call.became for call in calls] == ["answered"] * 4
    assert [[tool["name"] for tool in call.body["tools"]] for call in calls] == [["now", "web_search"]] * 4
    assert calls[1].body["messages"][-1]["role"] == "assistant"


async def test_one_that_pauses_for_ever_fails_its_turn_and_no_other(nursery, tmp_path):
    def pauses(n):
        return [*searching(0, f"s{n}"), *block(1, found(f"s{n}")), *ends("pause_turn")]

    said, calls = await conversation(nursery, tmp_path, *(pauses(n) for n in range(5)))
    assert said[1] == "you said: thanks"
    assert "did not come to an end" in said[0]
    assert [call.became for call in calls] == ["answered"] * 6
