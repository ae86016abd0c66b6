"""A tool's call in a conversation of a World: real turn, real processes, scripted programs."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio

from hermes_trio.agent.agent import Context
from hermes_trio.gateway.open import open_gateway
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.identity import Policy


def in_world(prepare):
    """Opens the call of an admin; `prepare(world)` scripts what commands do."""

    @asynccontextmanager
    async def context():
        opened, calls = trio.open_memory_channel(1)
        over = trio.Event()

        async def agent(turn):
            opened.send_nowait(Context(turn, "checked", "tool x#1", []))
            await over.wait()
            return "done"

        platform = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
        async with open_world(agent, platform=platform) as world:
            prepare(world)
            await world.say("ada", "go")
            yield await calls.receive()
            over.set()

    return context


def in_gateway():
    """Opens the call of an admin in a gateway on this machine: its programs are real."""

    @asynccontextmanager
    async def context():
        opened, calls = trio.open_memory_channel(1)
        over = trio.Event()

        async def agent(turn):
            opened.send_nowait(Context(turn, "checked", "tool x#1", []))
            await over.wait()
            return "done"

        platform = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
        platform.push(platform.message("ada", "go"))
        async with open_gateway(agent, platforms=[platform], store=":memory:"):
            yield await calls.receive()
            over.set()

    return context
