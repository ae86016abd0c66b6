"""A turn that one provider began and another, of another kind, goes on with."""

from __future__ import annotations

import json

import pytest
import trio

from hermes_trio import (
    AnthropicModel,
    Candidate,
    Candidates,
    ModelAgent,
    OpenAIModel,
    open_gateway,
    open_http_client,
)
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import MemoryPlatform
from hermes_trio.values.identity import Secret
from tests.agent.test_agent import ATool
from tests.fakes.model_script import Call, Item
from tests.fakes.particular import SIGNED, ParticularAnthropic, ParticularOpenAI
from tests.models.provider_cases import Calendar

WAITS = {"first_byte_s": 3.0, "between_bytes_s": 3.0, "clock": Calendar()}
GONE = Item(status=503, body={"error": {"message": "gone"}})


def model_of(client, fake, url):
    if isinstance(fake, ParticularOpenAI):
        return OpenAIModel(client, f"{url}/v1", "m", **WAITS)
    return AnthropicModel(client, url, "m", **WAITS)


@pytest.mark.parametrize(
    ("first", "second"),
    [(ParticularOpenAI, ParticularAnthropic), (ParticularAnthropic, ParticularOpenAI)],
    ids=["from OpenAI's kind", "from Anthropic's"],
)
async def test_what_one_began_the_other_goes_on_with(first, second, nursery, tmp_path):
    acted = []

    async def act(arguments, call):
        acted.append(arguments)
        return "acted"

    begins, goes_on = first(GONE), second()
    begins.signs = goes_on.strict = True
    begins.push(Item(text="I act", calls=[Call("act"), Call("act")]), GONE)
    platform = MemoryPlatform()
    async with open_http_client(connect_s=2, read_s=5) as client:
        chance = seeded_chance("changing")
        candidates = [
            Candidate(
                model_of(client, fake, await nursery.start(fake.serve)),
                KeyPool([Secret("sk-test")], clock=Calendar(), chance=chance),
            )
            for fake in (begins, goes_on)
        ]
        agent = ModelAgent(Candidates(candidates, chance=chance), tools=[ATool("act", act)])
        async with open_gateway(agent, platforms=[platform], store=tmp_path / "bot.db"):
            platform.push(platform.message("ada", "act twice"))
            with trio.fail_after(10):
                while not platform.texts("ada"):
                    await platform.changed()
    assert platform.texts("ada") == ["you said: act twice"]
    assert len(acted) == 2
    assert [call.became for call in goes_on.calls] == ["answered"]
    told = json.dumps(goes_on.calls[0].body)
    assert "I act" in told
    assert SIGNED not in told
    nursery.cancel_scope.cancel()
