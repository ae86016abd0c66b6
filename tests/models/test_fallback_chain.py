"""A chain of three over real connections: whatever the first two do, the third answers, in one reply."""

from __future__ import annotations

import itertools
import random

import pytest

from hermes_trio.agent.agent import ModelAgent
from hermes_trio.http.client import open_http_client
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.testing import open_world
from hermes_trio.tools.now import tool
from hermes_trio.values.identity import Secret
from tests.fakes.model_script import Call, Item
from tests.fakes.openai_server import OpenAIFake

FAULTS = {
    "429": Item(status=429, body={"error": {"message": "slow down"}}),
    "503": Item(status=503, body={"error": {"message": "overloaded"}}),
    "timeout": Item(hold=0),
    "401": Item(status=401, body={"error": {"message": "no"}}),
    "reset": Item(raw="HTTP/1."),
}


class Undelayed(random.Random):
    """Chance without jitter, so that a retry follows at once."""

    def random(self) -> float:
        return 0.0


class Chain:
    """Three endpoints with a key each."""

    def __init__(self, client, urls) -> None:
        self.candidates = Candidates(
            [
                Candidate(
                    OpenAIModel(
                        client,
                        f"{url}/v1",
                        f"model-{n}",
                        first_byte_s=0.2,
                        between_bytes_s=0.2,
                        clock=SystemClock(),
                    ),
                    KeyPool([Secret(f"key-{n}")], clock=SystemClock(), chance=Undelayed()),
                )
                for n, url in enumerate(urls)
            ],
            chance=Undelayed(),
        )


@pytest.fixture
async def fakes(nursery):
    made = [OpenAIFake() for _ in range(3)]
    urls = [await nursery.start(fake.serve) for fake in made]
    async with open_http_client(connect_s=2, read_s=5) as client:
        yield made, Chain(client, urls)
    nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FAULTS, FAULTS)))
async def test_the_third_answers_once(first, second, fakes):
    (one, two, three), chain = fakes
    one.by_key["key-0"], two.by_key["key-1"] = FAULTS[first], FAULTS[second]
    async with open_world(ModelAgent(chain.candidates)) as world:
        await world.say("ada", "hello")
        assert await world.reply("ada") == "you said: hello"
        await world.settle()
        assert len(world.shown("ada")) == 1
        assert await world.outcomes() == ["answered"]
    assert len(three.calls) == 1
    for fault, fake in ((first, one), (second, two)):
        # Three tries where it is no key's fault, one where it is.
        assert len(fake.calls) == (1 if fault in ("429", "503", "401") else 3)


async def test_a_turn_with_steps_goes_along_the_list_once(fakes):
    (one, two, three), chain = fakes
    one.by_key["key-0"] = FAULTS["503"]
    two.by_key["key-1"] = FAULTS["401"]
    three.push(*[Item(calls=[Call("now")])] * 3)
    async with open_world(ModelAgent(chain.candidates, tools=[tool])) as world:
        await world.say("ada", "hello")
        await world.reply("ada")
    assert [len(fake.calls) for fake in (one, two, three)] == [1, 1, 4]
