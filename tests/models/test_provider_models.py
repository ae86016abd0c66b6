"""Our models, of both providers, against the fakes the official clients vouch for."""

from __future__ import annotations

import json

import pytest
import trio

from hermes_trio.errors import ModelFailed
from hermes_trio.http.client import open_http_client
from hermes_trio.models.providers import growing_answer as answers
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.values.transcript import (
    AssistantEntry,
    ModelRequest,
    NoteEntry,
    ToolCall,
    ToolEntry,
    ToolSpec,
    UserEntry,
)
from tests.fakes.model_script import Call, Item, event
from tests.models.provider_cases import HELLO, Calendar, Side


@pytest.fixture(params=["openai", "anthropic"])
async def side(request, nursery):
    async with open_http_client(connect_s=2, read_s=5) as client:
        side = Side(request.param, client)
        side.url = await nursery.start(side.fake.serve)
        yield side
    await side.fake.counts.all_closed()
    nursery.cancel_scope.cancel()


async def test_a_text_comes_in_pieces_and_whole(side):
    answer = await side.ask()
    assert (answer.text, answer.finish, answer.calls) == ("you said: hello", "stop", ())
    assert (answer.tokens_in, answer.tokens_out) == (7, 5)
    assert side.said == ["you said", ": hello"]
    assert side.fake.calls[0].key == "sk-test"


async def test_what_the_provider_read_from_its_cache_is_counted(side):
    kept = 0 if "chat" in side.fake.path else 2
    side.fake.push(Item(text="cheap", cached=4, kept=kept))
    answer = await side.ask()
    assert (answer.tokens_in, answer.tokens_cached, answer.tokens_kept) == (7, 4, kept)
    assert (await side.ask()).tokens_cached == 0


@pytest.mark.parametrize("side", ["openai"], indirect=True)
async def test_what_kimi_counts_of_a_choice_is_counted(side):
    """earendil-works/pi#2017"""
    usage = {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}}
    choice = {"index": 0, "delta": {"content": "Hello"}, "finish_reason": "stop", "usage": usage}
    side.fake.push(Item(events=[event({"choices": [choice]}), b"data: [DONE]\n\n"]))
    answer = await side.ask()
    assert (answer.tokens_in, answer.tokens_out, answer.tokens_cached) == (12, 3, 4)


@pytest.mark.parametrize("gap_ms", [0, 1])
async def test_answers_in_a_row_share_one_connection(side, gap_ms):
    side.fake.default.gap_ms = gap_ms
    for _ in range(5):
        await side.ask()
    assert side.fake.counts.ever == 1


async def test_tool_calls_are_put_together(side):
    side.fake.push(Item(text="let me see", calls=[Call("now"), Call("add", '{"a": 1, "b": [2]}')]))
    answer = await side.ask()
    assert (answer.text, answer.finish) == ("let me see", "tool_calls")
    assert [(call.name, call.arguments) for call in answer.calls] == [
        ("now", "{}"),
        ("add", '{"a": 1, "b": [2]}'),
    ]
    assert len({call.id for call in answer.calls}) == 2


async def test_what_it_sends_is_what_the_provider_takes(side):
    transcript = (
        AssistantEntry("from before"),
        UserEntry("one"),
        UserEntry("two"),
        NoteEntry("the day is new"),
        AssistantEntry("I look", calls=(ToolCall("c1", "now", "{}"), ToolCall("c2", "add", "not json"))),
        ToolEntry("c1", "now", "noon"),
        ToolEntry("c2", "add", "no such thing", failed=True),
        NoteEntry("a watch matched"),
        AssistantEntry(""),
        AssistantEntry("half an", finish="partial"),
        UserEntry("and now?"),
    )
    tools = (ToolSpec("now", "the time", {"type": "object", "properties": {}}),)
    answer = await side.ask(ModelRequest(prompt="be kind", entries=transcript, tools=tools))
    assert answer.text == "you said: and now?"
    sent = str(side.fake.calls[0].body)
    for text in ("be kind", "from before", "two", "the day is new", "noon", "a watch matched", "half an"):
        assert text in sent
    assert "not json" not in sent
    assert side.fake.calls[0].body["tools"]


async def test_a_turn_that_goes_on_after_its_own_answer_is_taken(side):
    await side.ask(ModelRequest(prompt="", entries=(UserEntry("one"), AssistantEntry("two"))))
    assert side.fake.calls[0].became == "answered"


@pytest.mark.parametrize("calls", [[], [Call("now", '{"zone": "UTC"}')]])
async def test_without_an_end_event_the_answer_is_partial_and_no_tool_is_called(side, calls):
    side.fake.push(Item(text="half an ans", calls=calls, end=False))
    answer = await side.ask()
    assert (answer.text, answer.finish, answer.calls) == ("half an ans", "partial", ())


@pytest.mark.parametrize(
    ("text", "calls", "finish"),
    [("long", [], "length"), ("long", [Call("now")], "unfinished"), ("", [], "unfinished")],
    ids=["amid its text", "amid a call", "amid its thinking"],
)
async def test_an_answer_cut_at_its_token_limit_calls_no_tool(side, text, calls, finish):
    limit = "length" if "chat" in side.fake.path else "max_tokens"
    side.fake.push(Item(text=text, calls=calls, finish=limit))
    answer = await side.ask()
    assert (answer.text, answer.finish, answer.calls) == (text, finish, ())


async def test_a_connection_that_breaks_in_the_answer_is_a_transport_failure(side):
    side.fake.push(Item(text="half an ans", cut=True))
    with pytest.raises(ModelFailed) as failed:
        await side.ask()
    assert failed.value.kind == "transport"


@pytest.mark.parametrize(
    ("item", "waits"),
    [
        (Item(text="never to be seen", hold=0), {"first_byte_s": 0.1}),
        (Item(text="never to be seen whole", hold=3), {"between_bytes_s": 0.1}),
    ],
    ids=["before the first byte", "between two pieces"],
)
async def test_silence_past_a_deadline_is_a_transport_failure_and_the_next_call_works(side, item, waits):
    side.fake.push(item)
    with pytest.raises(ModelFailed) as failed:
        await side.ask(**waits)
    assert failed.value.kind == "transport"
    await side.fake.counts.all_closed()
    assert side.fake.calls[0].became == "gone"
    assert (await side.ask()).text == "you said: hello"


async def test_no_server_is_a_transport_failure(side):
    side.url = "http://127.0.0.1:1"
    with pytest.raises(ModelFailed) as failed:
        await side.ask()
    assert failed.value.kind == "transport"


@pytest.mark.parametrize("hold", [0, 2])
async def test_cancelled_it_leaves_no_connection(side, hold):
    side.fake.push(Item(text="never to be seen whole", hold=hold))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(side.ask)
        await side.fake.until_held()
        nursery.cancel_scope.cancel()
    await side.fake.counts.all_closed()


async def test_a_429_says_what_the_provider_said(side):
    side.fake.push(Item(status=429, body={"error": {"message": "slow down"}}, headers={"retry-after": "7"}))
    with pytest.raises(ModelFailed) as failed:
        await side.ask()
    error = failed.value
    assert (error.kind, error.retry_after_s, error.status) == ("rate_limit", 7.0, 429)
    assert (await side.ask()).finish == "stop"
    assert side.fake.counts.ever == 1


async def test_no_key_of_ours_is_in_an_error(side):
    key = "sk-verysecretkey12345"
    echoed = {"error": {"message": f"Incorrect API key provided: {key}. " + "x" * 1000}}
    side.fake.push(Item(status=401, body=echoed))
    with pytest.raises(ModelFailed) as failed:
        await side.ask(key=key)
    assert failed.value.kind == "auth"
    assert key not in str(failed.value)
    assert len(str(failed.value)) < 400


@pytest.mark.parametrize("key", ["", "sk-with\nnewline", "sk-ключ"])
async def test_a_key_that_cannot_be_one_is_never_sent(side, key):
    with pytest.raises(ModelFailed) as failed:
        await side.ask(key=key)
    assert failed.value.kind == "auth"
    assert not key or key not in str(failed.value)
    assert side.fake.calls == []


async def test_rubbish_on_the_wire_is_a_transport_failure(side):
    side.fake.push(Item(raw="hello, I am not http\r\n\r\n"))
    with pytest.raises(ModelFailed) as failed:
        await side.ask()
    assert failed.value.kind == "transport"


async def test_an_answer_that_is_no_event_stream_is_a_failure(side):
    side.fake.push(
        Item(body={"error": {"code": 402, "message": "Insufficient credits"}}), Item(body={"hello": 1})
    )
    with pytest.raises(ModelFailed) as failed:
        await side.ask()
    assert failed.value.kind == "quota"
    with pytest.raises(ModelFailed) as failed:
        await side.ask()
    assert failed.value.kind == "unknown"


async def test_an_empty_answer_is_an_answer(side):
    side.fake.push(Item())
    answer = await side.ask()
    assert (answer.text, answer.finish, side.said) == ("", "stop", [])


async def test_broken_characters_become_whole_ones(side):
    side.fake.push(Item(pieces=["smile \ud83d", "\ude00, lone \ud800 or \udc00", "nul \0.", "\ud83d"]))
    answer = await side.ask()
    assert answer.text == "smile \U0001f600, lone \ufffd or \ufffdnul ."
    assert "".join(side.said) == answer.text


async def test_an_answer_without_end_is_cut_at_its_limit(side):
    side.fake.push(Item(pieces=["x" * 100_000] * 100))
    answer = await side.ask()
    assert answer.finish == "partial"  # which its reader is told
    assert answers.ANSWER_CHARS_MAX <= len(answer.text) <= answers.ANSWER_CHARS_MAX + 100_000


async def test_many_calls_at_once_do_not_mix(side):
    async def one(number: int) -> None:
        request = ModelRequest(prompt="", entries=(UserEntry(f"number {number}"),))
        assert (await side.ask(request)).text == f"you said: number {number}"

    async with trio.open_nursery() as nursery:
        for number in range(30):
            nursery.start_soon(one, number)


async def test_the_longest_answer_is_said_where_it_is_set(side):
    await side.ask(answer_tokens=99)
    await side.ask()
    said = [call.body.get("max_tokens") for call in side.fake.calls]
    assert said == [99, None if "chat" in side.fake.path else 8192]


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("https://api.openai.com/v1", "max_completion_tokens"),
        ("https://mine.openai.azure.com/openai/v1", "max_completion_tokens"),
        ("https://openrouter.ai/api/v1", "max_tokens"),
    ],
)
async def test_the_limit_has_the_name_that_is_taken_there(base, name):
    async with open_http_client(connect_s=2, read_s=5) as client:
        waits = {"first_byte_s": 3.0, "between_bytes_s": 3.0, "clock": Calendar()}
        model = OpenAIModel(client, base, "m", answer_tokens=99, **waits)
    assert json.loads(model.body(HELLO))[name] == 99
