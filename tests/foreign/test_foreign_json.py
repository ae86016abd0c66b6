"""The one decoder for foreign JSON: what it takes, and that it is the only one."""

from __future__ import annotations

import ast
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from hermes_trio.agent.agent import _arguments
from hermes_trio.daemon.control.requests import decode_request
from hermes_trio.errors import AgentError, NotJson
from hermes_trio.models.errors import failure
from hermes_trio.models.providers.growing_calls import arguments_object
from hermes_trio.text.foreign_json import DEPTH_MAX, PARTS_MAX, ForeignJson, too_deep
from hermes_trio.values.transcript import ToolCall
from tests.house.source import PRODUCT, mentioned, tree

read = ForeignJson(Any, most_bytes=1 << 20)

VALUES = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(),
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=40,
)


@given(VALUES)
def test_what_is_json_comes_out_as_it_is(value):
    assert read(msgspec.json.encode(value)) == value


def test_brackets_in_texts_are_no_depth():
    text = '[{"' * 50_000 + "\\\\" + '"'
    assert read(msgspec.json.encode([text])) == [text]


@pytest.mark.parametrize("opens", [b"[", b'{"a":'])
def test_it_is_nested_to_a_depth_and_no_deeper(opens):
    closes = b"]" if opens == b"[" else b"}"
    read(opens * DEPTH_MAX + b"1" + closes * DEPTH_MAX)
    for depth in (DEPTH_MAX + 1, 1000, 100_000):
        with pytest.raises(NotJson):
            read((opens * depth + b"1" + closes * depth)[: 1 << 20])


def test_depth_is_a_matter_of_the_text_alone():
    # Python's own limit would depend on who calls, and so refuse what it once took.
    deep = b"[" * DEPTH_MAX + b"]" * DEPTH_MAX

    def below(frames):
        return read(deep) if frames == 0 else below(frames - 1)

    assert below(0) == below(500)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"nul",
        b'"\xff"',
        b'"\\ud800"',
        b"]" * 100_000,
        b"[" * 1_000_000,
        b"[]" * 100_000,
        b"[" + b"[]," * PARTS_MAX + b"[]]",
        b'"' + b"x" * (1 << 20) + b'"',
        b'"' + b'\\"' * 100_000 + b"[" * 100,
    ],
)
def test_what_is_none_or_goes_too_far_is_refused_in_one_way(raw):
    with pytest.raises(NotJson):
        read(raw)


def test_half_a_character_is_kept_where_that_is_asked_for():
    with pytest.raises(NotJson):
        read('"\\ud83d"')
    assert ForeignJson(str, most_bytes=100, halves=True)('"\\ud83d"') == "\ud83d"


DEEP = '{"a":' * 1000 + "1" + "}" * 1000


def test_deep_json_is_refused_at_each_border():
    with pytest.raises(NotJson):
        decode_request(b'{"type":"status","x":' + b"[" * 60_000)
    assert _arguments(ToolCall("c", "now", DEEP)) is None
    assert arguments_object(DEEP) is None
    assert failure(429, {}, DEEP.encode(), now=0.0).kind == "rate_limit"


async def returns_what_is_deep(turn):
    async def dig():
        value: list = []
        for _ in range(int(turn.text)):
            value = [value]
        return value

    try:
        await turn.step("dig", dig)
    except AgentError as error:
        return f"refused: {str(error)[:60]}"
    return "taken"


@pytest.mark.world(agent=returns_what_is_deep)
@pytest.mark.parametrize("depth", [DEPTH_MAX, 5000])
async def test_a_step_that_returns_what_could_not_be_read_again_fails_and_says_so(world, depth):
    await world.say("ada", str(depth))
    assert (await world.reply("ada")).startswith("refused: step 'dig': its value")
    await world.say("ada", str(DEPTH_MAX - 1))
    assert await world.reply("ada") == "taken"


def test_what_is_encoded_is_looked_at_as_what_is_decoded():
    assert not too_deep(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    assert too_deep(b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1))


DECODERS = ("json.load", "json.loads", "json.JSONDecoder", "msgspec.json.decode", "msgspec.json.Decoder")
OURS = {
    "hermes_trio/text/foreign_json.py": "the one decoder",
    "hermes_trio/intake/routing.py": "a message that was encoded a line before",
    "hermes_trio/text/recording.py": "rows of the store",
    "hermes_trio/models/providers/endpoint.py": "a request that was encoded a line before",
    "hermes_trio/daemon/control/server.py": "an answer that was encoded a line before",
    "hermes_trio/turns/journal.py": "rows of the store",
    "hermes_trio/turns/questions.py": "rows of the store",
    "hermes_trio/turns/turn.py": "rows of the store",
    "hermes_trio/turns/step_values.py": "rows of the store, and a value that was encoded a line before",
    "hermes_trio/intake/soundness.py": "a message that was encoded a line before",
    "hermes_trio/store/": "its own rows",
    "hermes_trio/testing/": "what the kit or the store wrote; a recording is read by the one decoder",
}


def decodes(name: str) -> bool:
    return name in DECODERS or name.startswith("msgspec.json.Decoder.")


def test_foreign_json_is_decoded_in_one_place():
    found = {
        f"{module}:{line} {name}"
        for module in PRODUCT
        for line, name in mentioned(tree(module))
        if decodes(name) and not module.startswith(tuple(OURS))
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "import json\njson.loads('')",
        "import msgspec as m\nm.json.decode(b'')",
        "from msgspec.json import Decoder",
    ],
)
def test_the_search_sees_a_decoder(source):
    assert any(decodes(name) for _, name in mentioned(ast.parse(source)))
