"""Keys fail and recover at random while users write, reset, stop, and the power goes: nothing is lost."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from hermes_trio.config.options import Gateway
from hermes_trio.testing import fails, open_world, text, tool
from hermes_trio.testing.scheduling import seeded_scheduling
from tests.invariants.at_rest import check

KEYS = ("a", "b", "c")
USERS = ("ada", "bob", "eve")
BUSY = ("queue", "steer", "interrupt")
LINES = (
    "/new",
    "/stop",
    "/status",
    "/queue {n}",
    "/steer {n}",
    *["{n}"] * 12,
)


async def live(world, dice: random.Random) -> Counter[str]:
    """An hour of a life; how often each user wrote what is no command."""
    wrote: Counter[str] = Counter()
    for n in range(40):
        await world.until(seconds=world.now + dice.choice((0.0, 0.01, 0.05, 1.0, 29.97, 30.0, 60.0, 400.0)))
        match dice.randrange(10):
            case 0:
                world.model.refuse(*KEYS, line=fails("quota", after_s=dice.choice((0.0, 0.05))))
            case 1:
                world.model.refuse(dice.choice(KEYS), line=fails("rate_limit", retry_after_s=7))
            case 2:
                world.model.heal()
            case 3:
                world.crash()
                await world.start()
            case 4:
                world.model.script(tool("sleep", s=1), text("done", after_s=0.05))
            case _:
                user, line = dice.choice(USERS), dice.choice(LINES)
                await world.say(user, line.format(n=n))
                wrote[user] += line not in ("/new", "/stop", "/status")
    return wrote


@pytest.mark.parametrize("seed", range(40))
async def test_every_message_has_its_outcome_and_is_told_at_most_once_that_it_is_kept(seed, autojump_clock):
    dice = random.Random(seed)
    with seeded_scheduling(seed):
        async with open_world(
            seed=seed,
            commit_s=0.02,
            keys=KEYS[: dice.randint(1, 3)],
            on_exhausted="defer",
            options=Gateway(busy=dice.choice(BUSY), turns_max=dice.choice((1, 100))),
        ) as world:
            wrote = await live(world, dice)
            world.model.heal()
            await world.until(seconds=world.now + 3600)
            await world.settle()
            check(world)
            told = Counter(
                chat
                for (chat,) in world.db.execute(
                    "select json_extract(lane, '$[2]') from outbound"
                    " where said = 'notice' and json_extract(part, '$[0]') like 'No model key%'"
                )
            )
            assert all(told[user] <= wrote[user] for user in USERS), (told, wrote)
            assert "" not in world.model.keys
            assert world.gateway.wiring.cooldowns.views()
            await world.say("ada", "/new")
            await world.say("ada", "at last")
            await world.settle()
            assert (await world.outcomes())[-2:] == ["answered", "answered"]
