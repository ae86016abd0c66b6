"""Small worlds drawn by a seed: messages, commands, tools, failures, kills and stops, for two users."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import RecordingTool, fails, hangs, open_world, partial, text, tool

USERS = ("ada", "bob")
COMMANDS = ("/new", "/stop", "/status", "/queue what then?", "/steer be brief", "/help", "/nwe", "/resume")
FAULTS = ("lost_answer", "not_sent", "refuse", "wait")


def line(dice):
    """What the model does next."""
    after_s = dice.choice([0.0, 0.0, 0.2, 2.0, 20.0])
    draw = dice.random()
    if draw < 0.5:
        return text("You are ", f"right {dice.randrange(100)}.", after_s=after_s)
    if draw < 0.6:
        return tool("sleep", s=dice.choice([1, 5, 30, 400]), after_s=after_s)
    if draw < 0.7:
        return tool("now", after_s=after_s)
    if draw < 0.8:
        return tool("act", n=dice.randrange(10), after_s=after_s)
    if draw < 0.85:
        return tool("break", say="I try", after_s=after_s)
    if draw < 0.88:
        return tool("missing", after_s=after_s)
    if draw < 0.92:
        return partial("The answer is")
    if draw < 0.97:
        return fails(dice.choice(["overload", "transport", "quota", "malformed", "unknown"]))
    return hangs("I think")


@asynccontextmanager
async def small_world(seed):
    """A world in which that much has happened, settled or not."""
    dice = random.Random(seed)
    options = GatewayOptions(
        busy=dice.choice(["queue", "steer", "interrupt"]), turn_deadline_s=60.0, drain_timeout_s=5.0
    )
    tools = [
        RecordingTool("act", before_s=dice.choice([0.0, 1.0]), after_s=dice.choice([0.0, 1.0])),
        RecordingTool("break", fails="broken", before_s=0.5),
    ]
    commit_s = dice.choice([0.0, 0.004, 0.05])
    async with open_world(seed=seed, options=options, tools=tools, commit_s=commit_s) as world:
        world.model.script(*(line(dice) for _ in range(40)))
        for _ in range(dice.randrange(4, 14)):
            await happen(world, dice)
        await world.until(seconds=world.now + dice.choice([0.5, 10.0, 1000.0]))
        yield world


async def happen(world, dice):
    """Something."""
    draw = dice.random()
    if world.lives.now is None:
        await world.until(seconds=world.now + dice.choice([0.01, 0.1, 5.0, 50.0]))
        await world.start()
    elif draw < 0.55:
        await world.say(dice.choice(USERS), f"and {dice.randrange(1000)}?")
    elif draw < 0.75:
        await world.say(dice.choice(USERS), dice.choice(COMMANDS))
    elif draw < 0.85:
        world.crash()
    elif draw < 0.9:
        await world.stop()
    elif draw < 0.95:
        world.platform.fault(dice.choice(FAULTS), wait_s=3)
    else:
        session = dice.choice(list(await world.gateway.session_views()) or [None])
        if session is not None:
            await dice.choice([world.gateway.stop, world.gateway.reset])(session.id)
    # Never at one instant with something else, as nothing on a real machine is.
    pause_s = dice.choice([0.0, 0.0, 0.3, 1.5, 7.0, 70.0])
    await world.until(seconds=world.now + pause_s + dice.uniform(0.001, 0.01))
