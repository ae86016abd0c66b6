"""`check --online` asks each model really, and says what becomes of that."""

from __future__ import annotations

import pytest

from tests.fakes.model_script import Call, Item

KEY = "sk-a-very-secret-key"


async def online(place, **more):
    done = await place.hermes("check", "--online", **place.environ, **more)
    said = [line.removeprefix("WRONG ") for line in done.stdout.splitlines()]
    lines = [line.removeprefix("online: ") for line in said if line.startswith("online: gpt")]
    assert ("\nWRONG " in done.stdout) == (done.returncode == 1)
    assert KEY not in done.stdout + done.stderr
    return done.returncode, lines


async def test_a_model_that_answers_and_calls_the_tool(place):
    place.model.push(Item(calls=[Call("now")]))
    assert await online(place) == (0, ["gpt-5.5, key 1/1: answers, calls tools"])
    (call,) = place.model.calls
    assert [tool["function"]["name"] for tool in call.body["tools"]] == ["now"]


async def test_a_model_that_does_not_call_it(place):
    assert await online(place) == (0, ["gpt-5.5, key 1/1: answers, called no tool, though it was asked to"])


async def test_an_address_without_its_version(place):
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace(f"{place.model_url}/v1", place.model_url))
    code, (line,) = await online(place)
    assert code == 1
    assert line.startswith("gpt-5.5, key 1/1: not_found: 404: ")
    assert line.endswith(
        f" (asked {place.model_url}/chat/completions for gpt-5.5; is `base_url` {place.model_url}/v1?)"
    )


def placed(place, base):
    """The model's address is this, for the place's server."""
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace(f"{place.model_url}/v1", f"{place.model_url}{base}"))


@pytest.mark.parametrize(
    ("base", "mend"),
    [
        ("/v1/chat/completions", "is `base_url` {url}/v1?"),
        ("/v1/v1", "is `base_url` {url}/v1?"),
        ("/api", "is `base_url` {url}/api/v1?"),
        ("/v1beta/openai", "are `base_url`, `provider` and the `name` of the model right?"),
    ],
)
async def test_the_mend_of_an_address(place, base, mend):
    placed(place, base)
    code, (line,) = await online(place)
    assert code == 1
    mend = mend.format(url=place.model_url)
    assert line.endswith(f" (asked {place.model_url}{base}/chat/completions for gpt-5.5; {mend})")


NOBODY = {
    "Ollama": Item(events=[b"Ollama is running"]),
    "a page": Item(events=[b"<!doctype html>"]),
    "LM Studio": Item(status=200, body={"error": "Unexpected endpoint or method. (POST /chat/completions)"}),
    "a method that is none": Item(status=405, body={"detail": "Method Not Allowed"}),
    "moved": Item(status=301, headers={"location": "https://x.example/v1"}, body={}),
}


@pytest.mark.parametrize("said", NOBODY.values(), ids=NOBODY)
async def test_nobody_answers_however_that_is_said(place, said):
    place.model.default = said
    code, (line,) = await online(place)
    assert code == 1
    address = f"{place.model_url}/v1/chat/completions"
    mend = "are `base_url`, `provider` and the `name` of the model right?"
    assert line.startswith("gpt-5.5, key 1/1: not_found: ")
    assert line.endswith(f" (asked {address} for gpt-5.5; {mend})")
    assert ("https://x.example/v1" in line) == (said is NOBODY["moved"])


@pytest.mark.parametrize(
    ("status", "said"), [(404, "model 'gpt-5.5' not found, try pulling it first"), (400, "Model Not Exist")]
)
async def test_a_name_that_the_server_does_not_know(place, status, said):
    place.model.default = Item(status=status, body={"error": {"message": said}})
    code, (line,) = await online(place)
    assert code == 1
    assert f"{status}: {said}" in line
    assert line.endswith("; is the `name` of the model right?)")


async def test_one_whose_server_reads_no_calls(place):
    place.model.push(Item(text='<tool_call>{"name": "now", "arguments": {}}</tool_call>'))
    code, (line,) = await online(place)
    assert (code, "its server reads no calls" in line, "--jinja" in line) == (0, True, True)


async def test_one_that_is_silent(place):
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace("[model]", "[model]\nfirst_byte_s = 0.5"))
    place.model.default = Item(hold=0)
    code, (line,) = await online(place)
    assert code == 1
    assert line.startswith("gpt-5.5, key 1/1: transport: silent for too long (asked ")
    assert line.endswith("`first_byte_s` says how long it may be silent)")


async def test_an_answer_with_nothing_in_it_is_none(place):
    place.model.default = Item(text="")
    mend = "are `provider` and the `name` of the model right, and is it one for chats?"
    asked = f"(asked {place.model_url}/v1/chat/completions for gpt-5.5; {mend})"
    assert await online(place) == (
        1,
        [f"gpt-5.5, key 1/1: gives an empty answer, called no tool, though it was asked to {asked}"],
    )


@pytest.mark.parametrize("body", [{}, "", {"error": {"message": ""}}, []])
async def test_a_refusal_without_words_has_a_likely_mend(place, body):
    place.model.default = Item(status=400, body=body)
    code, (line,) = await online(place)
    assert code == 1
    assert line.startswith("gpt-5.5, key 1/1: malformed: 400: ")
    assert line.endswith(
        "for gpt-5.5; it gives no reason: are `provider` and the `name` of the model right?)"
    )


@pytest.mark.parametrize("sent", [bytes(range(128, 256)) * 9, b"\x8f\xfe\x00\x01" * 400, b"\x00" * 4000])
async def test_bytes_that_are_no_text_are_not_quoted(place, sent):
    place.model.default = Item(events=[sent])
    code, (line,) = await online(place)
    assert code == 1
    assert line.startswith("gpt-5.5, key 1/1: not_found: 404: what came is no text (asked ")


async def test_what_a_provider_says_of_a_key_and_each_key_is_tried(place):
    config = place.home / "hermes.toml"
    config.write_text(
        config.read_text().replace('keys = ["env:MODEL_KEY"]', 'keys = ["env:BAD_KEY", "env:MODEL_KEY"]')
    )
    place.model.by_key["sk-bad-key"] = Item(status=401, body={"error": {"message": "This key was revoked."}})
    code, lines = await online(place, BAD_KEY="sk-bad-key")
    assert code == 1
    asked = f"asked {place.model_url}/v1/chat/completions for gpt-5.5"
    assert lines == [
        "gpt-5.5, key 1/2: auth: 401: This key was revoked."
        f" ({asked}; is it a key of this service, whole and still valid?)",
        "gpt-5.5, key 2/2: answers, called no tool, though it was asked to",
    ]
