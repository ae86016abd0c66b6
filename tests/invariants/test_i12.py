"""I12: once faults end, the next message is answered by the agent within 60 s, whatever came before.

`HERMES_I12_SEEDS=A..B` plays other prefixes; a failure names its seed and prints what happened.
"""

from __future__ import annotations

import os
import random
from itertools import count

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import ModelFailed
from hermes_trio.runtime.plugins import installed_commands
from hermes_trio.testing import open_world
from hermes_trio.transcript import compaction
from hermes_trio.values.transcript import ModelAnswer, ToolCall, UserEntry
from tests.agent.test_agent import ATool
from tests.invariants.at_rest import check

FIRST, LAST = map(int, os.environ.get("HERMES_I12_SEEDS", "0..240").split(".."))
CHUNK = 40
COMMANDS = installed_commands()
TAKES = 3000
KINDS = ("rate_limit", "quota", "auth", "overload", "context", "malformed", "transport", "unknown")


class Faulty:
    """A model that fails as it is told until faults end, and never takes poison, or more than it can."""

    name = "faulty"

    def __init__(self, *, needs_key):
        self.needs_key = needs_key
        self.faults = []
        self.over = trio.Event()

    def heal(self):
        self.over.set()

    async def complete(self, request, *, key, on_text):
        await trio.sleep(0.05)
        if any("☠" in repr(entry) for entry in request.entries):
            raise ModelFailed("malformed", "poison", status=400)
        if compaction.size(request.entries) > TAKES:
            raise ModelFailed("context", "too long", status=400)
        fault = self.faults.pop(0) if self.faults and not self.over.is_set() else "none"
        said = [entry.text for entry in request.entries if isinstance(entry, UserEntry)]
        on_text("you said")
        match fault:
            case "hang":
                await self.over.wait()
                raise ModelFailed("transport", "it hung")
            case "empty":
                return ModelAnswer()
            case "partial":
                return ModelAnswer(text="half an", finish="partial")
            case ("call", *calls):
                made = tuple(ToolCall(f"c{n}", name, arguments) for n, (name, arguments) in enumerate(calls))
                return ModelAnswer(text="let me", calls=made, finish="tool_calls")
            case "none":
                return ModelAnswer(text=f"you said: {said[-1]}")
            case _:
                raise ModelFailed(fault, "as told")


async def wait_a_little(arguments, call):
    await trio.sleep(7)
    return "waited"


async def sleep_a_little(arguments, call):
    await call.sleep(5)
    return "slept"


async def bring_poison(arguments, call):
    return "☠"


async def bring_much(arguments, call):
    return "much " * 5000


async def bring_nonsense(arguments, call):
    return {"a": "\ud800", 5: object}


async def break_down(arguments, call):
    raise RuntimeError("\ud800")


TOOLS = (wait_a_little, sleep_a_little, bring_poison, bring_much, bring_nonsense, break_down)


class Prefix:
    """Everything that can go wrong, by chance."""

    def __init__(self, world, model, chance):
        self.world = world
        self.model = model
        self.chance = chance
        self.done = []

    async def play(self):
        steps = [self.speak, self.speak, self.command, self.break_model, self.break_platform]
        steps += [self.break_store, self.crash, self.restart, self.jump]
        for _ in range(self.chance.randint(1, 9)):
            step = self.chance.choice(steps)
            self.done.append(step.__name__)
            await step()
            if self.chance.random() < 0.6:
                await trio.sleep(self.chance.choice((0.01, 0.06, 0.3, 2, 9)))

    async def end(self):
        self.world.heal()
        if self.world.lives.now is None:
            await self.world.start()

    async def speak(self):
        words = ("hello", "☠", "long " * 900, "\ud800\0", "😀" * 300, "\u0301" * 2000, "quite " * 200)
        for _ in range(self.chance.choice((1, 1, 2, 5))):
            await self.world.say(self.chance.choice(("ada", "ada", "bob")), self.chance.choice(words))

    async def command(self):
        words = ("/new", "/stop", "/steer ☠", "/steer on", "/queue later", "/queue ☠", "/nonsense", "/status")
        await self.world.say("ada", self.chance.choice(words))

    async def break_model(self):
        calls = [(tool.__name__, self.chance.choice(("{}", "[", '"\\ud800"', ""))) for tool in TOOLS]
        calls.append(("no\0 such tool", "{}"))
        faults = [
            *KINDS,
            "hang",
            "empty",
            "partial",
            *(("call", call) for call in calls),
            ("call", *calls[:3]),
        ]
        for _ in range(self.chance.randint(1, 4)):
            self.model.faults += [self.chance.choice(faults)] * self.chance.choice((1, 1, 3))

    async def break_platform(self):
        fault = self.chance.choice(
            ("refuse", "gone", "markup", "not_sent", "lost_answer", "hang", "wait", "off")
        )
        if fault == "off":
            self.world.platform.connected = not self.world.platform.connected
        else:
            self.world.platform.fault(*[fault] * self.chance.randint(1, 4), wait_s=5.0)

    async def break_store(self):
        for_s = self.chance.choice((0.05, 1, 20))
        self.world.fault("store_full", for_s=for_s)
        await trio.sleep(for_s)

    async def crash(self):
        self.world.crash()
        await trio.sleep(self.chance.choice((0, 1)))
        await self.world.start()

    async def restart(self):
        await self.world.stop()
        await self.world.start()

    async def jump(self):
        self.world.clock.offset += self.chance.choice((-7200, -30, 30, 7200))


async def is_answered_within(world, seconds):
    """Ask, and ask again where we are told that no key can be used yet."""
    with trio.move_on_after(seconds):
        for n in count():
            message = await world.say("ada", f"are you there {n}")
            while (row := await row_of(world, message)) is None or row.outcome is None:
                with trio.move_on_after(1):
                    await world.platform.changed()
            if row.reason != "no_credentials":
                break
            await trio.sleep(5)
        assert row.outcome == "answered", row
        while not any(seen.text.startswith(f"you said: {message.text}") for seen in world.shown("ada")):
            await world.platform.changed()
        return True
    return False


async def row_of(world, message):
    return next((row for row in await world.ledger() if row.native == message.native), None)


async def a_life(seed):
    chance = random.Random(seed)
    keys = chance.choice(((), ("k",), ("a", "b", "c")))
    model = Faulty(needs_key=bool(keys))
    options = GatewayOptions(busy=chance.choice(("queue", "steer", "interrupt")), drain_timeout_s=5.0)
    tools = [ATool(tool.__name__, tool, idempotent=chance.random() < 0.5) for tool in TOOLS]

    async with open_world(
        seed=seed, options=options, commit_s=0.001, commands=COMMANDS, keys=keys, tools=tools, start=False
    ) as w:
        w.model = model
        await w.start()
        prefix = Prefix(w, model, chance)
        try:
            await prefix.play()
            await prefix.end()
            assert await is_answered_within(w, 60), "no answer within 60 s"
            await w.until(seconds=w.now + 300)
            await w.settle()
            check(w)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {prefix.done}\n{error}\n{w.timeline()}") from error


@pytest.mark.parametrize("first", range(FIRST, LAST, CHUNK))
async def test_once_faults_end_the_next_message_is_answered(autojump_clock, first):
    for seed in range(first, min(LAST, first + CHUNK)):
        await a_life(seed)
