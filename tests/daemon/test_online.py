"""`check --online` asks each model really, and says what becomes of that."""

from __future__ import annotations

from tests.fakes.model_script import Call, Item

KEY = "sk-a-very-secret-key"


async def online(place, **more):
    done = await place.hermes("check", "--online", **place.environ, **more)
    lines = [
        line.removeprefix("online: ") for line in done.stdout.splitlines() if line.startswith("online: ")
    ]
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
    assert line.startswith(
        f"gpt-5.5, key 1/1: not_found: nobody answers at {place.model_url}/chat/completions:"
        f" is it {place.model_url}/v1? ("
    )


async def test_what_a_provider_says_of_a_key_and_each_key_is_tried(place):
    config = place.home / "hermes.toml"
    config.write_text(
        config.read_text().replace('keys = ["env:MODEL_KEY"]', 'keys = ["env:BAD_KEY", "env:MODEL_KEY"]')
    )
    place.model.by_key["sk-bad-key"] = Item(status=401, body={"error": {"message": "This key was revoked."}})
    code, lines = await online(place, BAD_KEY="sk-bad-key")
    assert code == 1
    assert lines == [
        "gpt-5.5, key 1/2: auth: 401: This key was revoked.",
        "gpt-5.5, key 2/2: answers, called no tool, though it was asked to",
    ]
