"""A turn costs what is new in it, and tells its model the same as if all had been read anew."""

from __future__ import annotations

import itertools
import random

import pytest

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import open_world
from hermes_trio.values.transcript import ModelAnswer, ToolCall
from tests.agent.told import MARK, Told, an_agent, by_chance

WORDS = ("/new", "/stop", "/resume", "/resume", "/steer and this too", "/queue that later")


async def a_life(seed, provider, memory_bytes):
    """What a seed has happen: people, cuts, crashes. Returns the model and the agent."""
    dice = random.Random(seed)
    model = Told(provider, by_chance(seed), summaries=dice.random() < 0.6)
    agent = an_agent(model, history_tokens=4_000, memory_bytes=memory_bytes)
    options = GatewayOptions(busy=dice.choice(("queue", "steer", "interrupt", "interrupt")))
    async with open_world(agent, options=options) as world:
        for n in range(40):
            drawn = dice.random()
            if drawn < 0.14:
                world.crash()
                await world.until(seconds=world.now + dice.choice((1, 1, 60, 7200)))
                await world.start()
            elif drawn < 0.32:
                await world.say("ada", dice.choice(WORDS))
            else:
                await world.say("ada", f"message {n} " + "x" * dice.choice((5, 100, 900)))
            await world.until(seconds=int(world.now) + dice.choice((1, 2, 3, 20, 60)))
    return model, agent


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("seed", range(6))
async def test_a_life_tells_its_model_byte_for_byte_what_it_would_without_a_memory(
    seed, provider, autojump_clock
):
    kept, knowing = await a_life(seed, provider, 1 << 20)
    read, anew = await a_life(seed, provider, 0)
    assert kept.bodies == read.bodies
    assert anew.knew == 0
    assert knowing.knew > 2


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_each_request_begins_with_the_one_before_it(provider, autojump_clock):
    model = Told(provider, lambda n: a_call(n) if n % 3 == 0 else a_text(n))
    agent = an_agent(model)
    async with open_world(agent) as world:
        for n in range(20):
            await world.say("ada", f"message {n}")
            await world.settle()
    plain = [MARK.sub(b"", body) for body in model.bodies]
    assert len(plain) == 29
    for before, after in itertools.pairwise(plain):
        assert after.startswith(said_in(before))
    assert agent.knew >= 12


def a_call(n):
    return ModelAnswer(calls=(ToolCall(f"c{n}", "quick", "{}"),), finish="tool_calls")


def a_text(n):
    return ModelAnswer(text=f"answer {n} " + "." * 900)


def said_in(body):
    """A request without what follows its last entry."""
    end = body.index(b'],"model"') if body.startswith(b'{"messages"') else len(body) - len(b"]}]}")
    return body[:end]
