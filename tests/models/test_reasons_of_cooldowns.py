"""Why a key was refused is known as long as its cooldown: also to the next life, and without secrets."""

from __future__ import annotations

import pytest

from hermes_trio import ModelFailed
from hermes_trio.testing import Line, open_world

SAID = "HTTP 402: no credit is left for sk-a-secret (asked: POST https://models.example/v1)"
TOLD = SAID.replace("sk-a-secret", "***")


@pytest.fixture
async def world(autojump_clock):
    def redact(text):
        return text.replace("sk-a-secret", "***")

    async with open_world(keys=["a"], redact=redact, on_exhausted="tell") as world:
        world.model.refuse("a", line=Line(error=ModelFailed("quota", SAID)))
        await world.say("ada", "hello")
        await world.until(seconds=10)
        yield world


async def test_the_next_life_says_why_before_anybody_asks_the_model(world):
    world.crash()
    await world.start()
    (failing,) = world.gateway.failing()
    assert (failing.name, failing.kind, failing.why, failing.s_ago) == ("scripted", "quota", TOLD, 10.0)
    (key,) = world.gateway.keys()
    assert (key.state, key.kind, key.why) == ("cooldown", "quota", TOLD)


async def test_the_turn_that_finds_no_key_in_it_says_why_too(world):
    world.crash()
    await world.start()
    await world.say("ada", "still there?")
    await world.until(seconds=11)
    ((error,),) = world.db.execute("select error from turn where id = 2").fetchall()
    assert TOLD in bytes(error).decode()


async def test_no_secret_is_in_the_row(world):
    assert world.db.execute("select kind, why from key_cooldown").fetchall() == [("quota", TOLD)]


async def test_a_model_whose_key_works_again_is_not_among_the_failing(world):
    world.crash()
    world.model.heal()
    await world.until(minutes=11)
    await world.start()
    assert world.gateway.failing() == []
    await world.say("ada", "and now?")
    await world.until(minutes=12)
    assert world.texts("ada", "final") == ["you said: and now?"]
    assert world.db.execute("select count(*) from key_cooldown").fetchall() == [(0,)]
