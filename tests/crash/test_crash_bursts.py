"""kill -9 in the middle of much: backlogs, several people at once, and moments that nobody chose.

When it is killed follows from a seed: when the world has seen so many signs of it, or milliseconds later.
More rounds: HERMES_TRIO_CRASH_ROUNDS=500 pytest -m slow tests/crash
"""

from __future__ import annotations

import os
from random import Random

import pytest
import trio

from tests.crash.stage import CHATS

SEEDS = (1, 2, 3, 4, 5, 6)
ROUNDS = int(os.environ.get("HERMES_TRIO_CRASH_ROUNDS", "0"))
WISHES = ("hello {}", "charge {}", "renew {}", "charge {0}a; charge {0}b", "sleep 0.01; charge {}")


async def test_250_messages_that_came_while_the_bot_was_down_are_answered_in_order(stage):
    for number in range(250):
        stage.say(CHATS[number % 5], f"message {number}")
    await stage.start()
    await stage.answered()
    assert all(stage.shown(chat) for chat in CHATS[:5])
    await stage.verify()


async def test_250_messages_are_answered_in_order_though_the_bot_dies_amid_them(stage):
    for number in range(250):
        stage.say(CHATS[number % 5], f"message {number}")
    await stage.run_into_trap(15)
    await stage.run_into_trap(25)
    await stage.start()
    await stage.answered()
    await stage.verify(repeats=2 * 5)


async def test_ten_people_are_answered_though_the_bot_dies_while_it_works_for_all_of_them(stage):
    await stage.start()
    stage.effects.hold("after")
    for chat in CHATS[:10]:
        stage.say(chat, f"charge {chat}")
    await stage.effects.wait_held("after", 10)
    await stage.lives_again()
    assert sorted(effect["what"] for effect in stage.effects.done) == [str(chat) for chat in CHATS[:10]]
    await stage.verify()


@pytest.mark.parametrize("seed", SEEDS)
async def test_whenever_the_bot_dies_everybody_is_answered_once_and_in_order(stage, seed):
    await one_round(stage, seed)


@pytest.mark.slow
@pytest.mark.skipif(not ROUNDS, reason="HERMES_TRIO_CRASH_ROUNDS says how many")
@pytest.mark.parametrize("seed", range(1000, 1000 + ROUNDS))
async def test_whenever_the_bot_dies_everybody_is_answered_once_and_in_order_many_times(stage, seed):
    await one_round(stage, seed)


async def one_round(stage, seed: int) -> None:
    """Two lives that are killed somewhere, while people write, and one that finishes."""
    with stage.explaining():
        await live_and_die(stage, Random(seed))


async def live_and_die(stage, chance: Random) -> None:
    stage.model.pace_ms = chance.choice((0, 2, 10))
    numbers = iter(range(1000))
    for _ in range(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write, stage, chance, numbers)
            await stage.run_into_trap(chance.randrange(1, 60), chance.choice((0.0, 0.03 * chance.random())))
    await stage.start()
    await stage.answered()
    await stage.verify(repeats=2 * 4)  # a crash leaves at most one send per chat unknown


async def write(stage, chance: Random, numbers) -> None:
    """Four people write, now and then."""
    for _ in range(chance.randrange(2, 6)):
        for _ in range(chance.randrange(1, 5)):
            stage.say(chance.choice(CHATS[:4]), chance.choice(WISHES).format(next(numbers)))
        with trio.move_on_after(chance.random()):
            await stage.telegram.until(lambda: not stage.telegram.pending, 60)
