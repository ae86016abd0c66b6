"""What a provider refuses of a conversation, over HTTP, in its own words; the gateway goes on."""

from __future__ import annotations

import json

import pytest
import trio

from hermes_trio import (
    AnthropicModel,
    Candidate,
    Candidates,
    KeyPool,
    ModelAgent,
    OpenAIModel,
    Secret,
    open_gateway,
    open_http_client,
)
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import MemoryPlatform
from tests.agent.test_agent import ATool
from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.model_script import Call, Item, Refused, event
from tests.fakes.openai_server import OpenAIFake
from tests.models.provider_cases import Calendar

WORDINGS = (
    "Invalid 'messages[3].content[1].image_url': the image data could not be processed.",
    "The request body is not valid JSON: lone leading surrogate in hex escape.",
    "text content blocks must contain non-whitespace text",
)


def picky(fake, *, wording="", takes=1 << 30):
    """The fake, which refuses poison in these words, and what is longer than it takes."""

    class Picky(fake):
        ill_formed = ()

        def check(self, request, body):
            try:
                key = super().check(request, body)
            except Refused as error:
                self.ill_formed += (str(error),)
                raise
            said = json.dumps(body["messages"], ensure_ascii=False)
            if "☠" in said:
                raise Refused(400, wording)
            if len(said) > takes:
                raise Refused(400, "prompt is too long: 250000 tokens > 200000 maximum")
            return key

    return Picky()


class Host:
    """A gateway on a provider over HTTP."""

    def __init__(self, fake, tmp_path, tools=()):
        self.fake = fake
        self.platform = MemoryPlatform()
        self.tools = tools
        self.store = tmp_path / "bot.db"
        self._urls = {}

    async def play(self, nursery, *words):
        """Say these, one after another, and return what was answered."""
        if self.fake not in self._urls:
            self._urls[self.fake] = await nursery.start(self.fake.serve)
        url = self._urls[self.fake]
        begun = len(self.platform.texts("ada"))
        async with open_http_client(connect_s=2, read_s=5) as client:
            waits = {"first_byte_s": 3.0, "between_bytes_s": 3.0, "clock": Calendar()}
            if isinstance(self.fake, OpenAIFake):
                model = OpenAIModel(client, f"{url}/v1", "m", **waits)
            else:
                model = AnthropicModel(client, url, "m", **waits)
            chance = seeded_chance("host")
            pool = KeyPool([Secret("sk-test")], clock=Calendar(), chance=chance)
            agent = ModelAgent(Candidates([Candidate(model, pool)], chance=chance), tools=self.tools)
            async with open_gateway(agent, platforms=[self.platform], store=self.store):
                for n, word in enumerate(words, start=1):
                    self.platform.push(self.platform.message("ada", word))
                    with trio.fail_after(10):
                        while len(self.platform.texts("ada")) < begun + n:
                            await self.platform.changed()
        return self.platform.texts("ada")[begun:]


@pytest.fixture(params=[OpenAIFake, AnthropicFake], ids=["openai", "anthropic"])
def provider(request):
    return request.param


@pytest.mark.parametrize("wording", WORDINGS)
async def test_poison_fails_alone_whatever_it_is_called(provider, nursery, tmp_path, wording):
    host = Host(picky(provider, wording=wording), tmp_path)
    answers = await host.play(nursery, "one", "☠", "hello")
    assert answers[0] == "you said: one"
    assert answers[1].startswith("I could not answer: the model refused your message")
    assert answers[2] == "you said: hello"
    # A restart does not bring it back.
    assert await host.play(nursery, "again") == ["you said: again"]
    assert host.fake.calls[-1].became == "answered"
    nursery.cancel_scope.cancel()


async def test_what_was_poisoned_before_is_set_aside(provider, nursery, tmp_path):
    host = Host(provider(), tmp_path)
    await host.play(nursery, "one ☠", "two")
    host.fake = picky(provider, wording=WORDINGS[0])
    answers = await host.play(nursery, "hello", "again")
    assert answers[0].startswith("you said: hello\n\n(I set the earlier part of our conversation aside")
    assert answers[1] == "you said: again"
    nursery.cancel_scope.cancel()


def declining(fake):
    """The fake, which takes a request with poison, and ends without a word."""

    class Declining(fake):
        async def _answer(self, request, item, called):
            if "☠" in json.dumps(called.messages, ensure_ascii=False):
                item = Item(finish="content_filter" if fake is OpenAIFake else "refusal")
            return await super()._answer(request, item, called)

    return Declining()


async def test_a_refusal_for_an_answer_does_not_stick_to_what_is_said_later(provider, nursery, tmp_path):
    host = Host(declining(provider), tmp_path)
    answers = await host.play(nursery, "one", "☠", "hello", "again")
    assert answers[0] == "you said: one"
    assert answers[1].startswith("I could not answer: the model refused your message")
    assert answers[2:] == ["you said: hello", "you said: again"]
    assert "☠" not in json.dumps(host.fake.calls[-1].messages, ensure_ascii=False)
    nursery.cancel_scope.cancel()


async def test_what_was_said_before_and_is_declined_now_is_set_aside(provider, nursery, tmp_path):
    host = Host(provider(), tmp_path)
    await host.play(nursery, "one ☠", "two")
    host.fake = declining(provider)
    answers = await host.play(nursery, "hello", "again")
    assert answers[0].startswith("you said: hello\n\n(I set the earlier part of our conversation aside")
    assert answers[1] == "you said: again"
    nursery.cancel_scope.cancel()


class Thinking(OpenAIFake):
    """DeepSeek: each answer that called a tool must come back with what it thought."""

    def head(self, body):
        return event(
            {"choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "Look."}}]}
        )

    def check(self, request, body):
        for message in body["messages"]:
            if message.get("tool_calls") and message.get("reasoning_content") != "Look.":
                raise Refused(
                    400, "The `reasoning_content` in the thinking mode must be passed back to the API."
                )
        return super().check(request, body)


async def test_what_a_model_thought_comes_back_in_the_turn_and_in_later_lives_and_its_tool_acts_once(
    nursery, tmp_path
):
    acted = []

    async def act(arguments, call):
        acted.append(arguments)
        return "acted"

    fake = Thinking()
    fake.push(Item(calls=[Call("act")]), Item(text="done"))
    host = Host(fake, tmp_path, [ATool("act", act)])
    assert await host.play(nursery, "act") == ["done"]
    assert await host.play(nursery, "and now") == ["you said: and now"]
    assert acted == [{}]
    assert [call.became for call in fake.calls] == ["answered"] * 3
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize("takes", range(700, 2200, 300))
async def test_however_little_it_takes_a_request_is_well_formed(provider, nursery, tmp_path, takes):
    async def act(arguments, call):
        return "acted " + "." * 150

    act = ATool("act", act)
    fake = picky(provider, takes=takes)
    fake.push(
        Item(text="well"),
        *[Item(text="so", calls=[Call("act"), Call("act")])] * 3,
        Item(text="done"),
    )
    host = Host(fake, tmp_path, [act])
    answers = await host.play(nursery, "first " * 20, "act six times", "and now")
    assert answers[0] == "well"
    assert answers[2].startswith("you said: and now")
    assert fake.ill_formed == ()
    shortened = any("note of the system" in json.dumps(call.messages) for call in fake.calls)
    assert shortened
    nursery.cancel_scope.cancel()
