"""Whatever people, crashes and programs do: each end is told once at most, and nothing is left."""

from __future__ import annotations

import random
from collections import Counter

import msgspec
import pytest
import structlog
import trio

from hermes_trio import Candidate, Candidates, ModelAgent
from hermes_trio.clock import seeded_chance
from hermes_trio.credentials import KeyPool
from hermes_trio.entries import ModelAnswer, ToolCall, UserEntry
from hermes_trio.errors import ModelFailed
from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, WorldClock, open_world
from hermes_trio.tools.process import tool as process
from hermes_trio.tools.terminal import tool as terminal
from hermes_trio.values import Policy, Secret
from tests.river.invariants import check

CHATS = ("one", "two")
COMMANDS = ("quick", "slow", "stubborn", "for ever", "chatty")
SEEDS = 25


class Obedient:
    """A model that does the calls a message names, then says something after a while."""

    name = "obedient"
    needs_key = True
    refuses = False

    async def complete(self, request, *, key, on_text):
        await trio.sleep(0.3)
        if self.refuses:
            raise ModelFailed("quota", "no more", status=402)
        last = request.entries[-1]
        if isinstance(last, UserEntry) and last.text.startswith("["):
            calls = tuple(
                ToolCall(
                    f"c{n}", "process" if "action" in each else "terminal", msgspec.json.encode(each).decode()
                )
                for n, each in enumerate(msgspec.json.decode(last.text))
            )
            return ModelAnswer(calls=calls, finish="tool_calls")
        return ModelAnswer(text="well")


def machine(world):
    world.processes.script("quick", prints=[(0.1, "done\n")], ends_s=0.2)
    world.processes.script("slow", prints=[(1, "error: none\n")], ends_s=9)
    world.processes.script("stubborn", ends_s=None, ignores_term=True)
    world.processes.script("for ever", ends_s=None)
    world.processes.script("chatty", prints=[(n * 0.5, f"error {n}\n") for n in range(30)], ends_s=15)


def a_wish(dice):
    calls = []
    for _ in range(dice.randint(1, 3)):
        command = dice.choice(COMMANDS)
        if dice.random() < 0.3:
            calls.append({"command": command, "timeout_s": dice.choice([1, 5])})
        elif dice.random() < 0.6:
            watch = ["error"] if dice.random() < 0.4 else []
            keep = dice.random() < 0.3
            calls.append({"action": "start", "command": command, "keep": keep, "watch_patterns": watch})
        else:
            action = dice.choice(["list", "poll", "wait", "log", "kill"])
            calls.append(
                {"action": action, "id": dice.randint(1, 6)} if action != "list" else {"action": action}
            )
    return msgspec.json.encode(calls).decode()


async def one_run(seed, busy):
    dice = random.Random(f"{seed}/{busy}")
    platform = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
    model, chance = Obedient(), seeded_chance("storm")
    pool = KeyPool([Secret("a"), Secret("b")], clock=WorldClock(), chance=chance, log=structlog.get_logger())
    rule = dice.choice(["tell", "defer"])
    models = Candidates([Candidate(model, pool)], on_exhausted=rule, chance=chance)
    agent = ModelAgent(models, tools=[process, terminal])
    options = GatewayOptions(busy=busy, drain_timeout_s=3.0, stuck_after=100)
    async with open_world(
        agent, platform=platform, options=options, seed=seed, commit_s=dice.choice([0.0, 0.02])
    ) as world:
        machine(world)
        for _ in range(dice.randint(8, 20)):
            await trio.sleep(dice.choice([0.0, 0.05, 0.4, 2.0, 10.0]))
            chat, luck = dice.choice(CHATS), dice.random()
            if luck < 0.55:
                await world.say("ada", a_wish(dice), chat=chat)
            elif luck < 0.88:
                await world.say(
                    "ada", dice.choice(["/new", "/stop", "/stop all", "/status", "hm", "/resume"]), chat=chat
                )
            elif luck < 0.92:
                model.refuses = not model.refuses
            elif luck < 0.97:
                world.crash()
                await trio.sleep(dice.choice([0.0, 30.0]))
                await world.start()
            else:
                await world.stop()
                await world.start()
        model.refuses = False
        await trio.sleep(1000)
        await world.settle()
        look(world)
        for chat in CHATS:
            await world.say("ada", "/stop all", chat=chat)
        await world.settle()
        await trio.sleep(5)
        assert world.processes.alive == [], world.timeline()
        assert running(world) == Counter()
        check(world)


def running(world):
    return Counter(
        command for (command,) in world.db.execute("select command from child where state = 'running'")
    )


def look(world):
    """What holds when everything has come to rest."""
    assert running(world) == Counter(each.command for each in world.processes.alive), world.timeline()
    strays = world.db.execute(
        "select child.id from child join session on session.id = session"
        " where state = 'running' and session.ended_at is not null and not keep"
    ).fetchall()
    assert strays == [], world.timeline()
    waits = world.db.execute("select native, state from inbound where outcome is null").fetchall()
    assert waits == [], world.timeline()
    bodies = [body for (body,) in world.db.execute("select body from entry where inbound is not null")]
    ends = Counter(
        words.split(" (")[0]
        for body in map(bytes, bodies)
        if b"Background process" in body and b"printed:" not in body
        for words in [body.decode().partition('"text":"')[2]]
    )
    assert set(ends.values()) <= {1}, world.timeline()


@pytest.mark.parametrize("busy", ["queue", "steer", "interrupt"])
async def test_at_rest_nothing_is_left_and_nothing_was_told_twice(autojump_clock, busy):
    for seed in range(SEEDS):
        await one_run(seed, busy)
