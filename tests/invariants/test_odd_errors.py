"""An adapter's or an agent's odd exception ends what it ends, and nothing that only wants to say so."""

from __future__ import annotations

import json

import pytest

from hermes_trio.errors import NotSent, PlatformDown, SendRefused
from hermes_trio.testing import MemoryPlatform, open_world
from tests.invariants.at_rest import check
from tests.scenes import echo

LONE = json.loads('"\\ud83d"')


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


ODD = [
    PlatformDown(f"nick {LONE} in use"),
    PlatformDown(7, None),
    PlatformDown(b"\xff", ["a"]),
    Unspeakable(),
    ExceptionGroup("all at once", [Unspeakable(), PlatformDown(LONE)]),
    RuntimeError("x" * 1_000_000),
]


class Odd(MemoryPlatform):
    """Raises what it is told to, once in each direction."""

    def __init__(self, error) -> None:
        super().__init__()
        self.in_receiving, self.in_sending = [error], [error]

    async def serve(self, intake) -> None:
        if self.in_receiving:
            raise self.in_receiving.pop()
        await super().serve(intake)

    async def deliver(self, delivery):
        if self.in_sending:
            raise self.in_sending.pop()
        return await super().deliver(delivery)


@pytest.mark.parametrize("error", ODD, ids=[str(n) for n in range(len(ODD))])
async def test_an_adapter_that_raises_it_is_started_again_and_its_send_tried_again(autojump_clock, error):
    async with open_world(echo, platform=Odd(error)) as world:
        assert [one["account"] for one in world.lines("account down")] == ["memory/main"]
        json.dumps([one["why"] for one in world.lines("account restarts")]).encode()
        for health in world.gateway.health().values():
            health.why.encode()
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada", "final") == ["re: hello ↻"]
        check(world)


@pytest.mark.parametrize(
    "error", [SendRefused(LONE), NotSent(LONE), NotSent(7)], ids=["refused", "lone", "int"]
)
async def test_what_a_send_is_refused_with_may_be_anything(autojump_clock, error):
    platform = MemoryPlatform()
    async with open_world(echo, platform=platform) as world:
        real, raised = platform.deliver, [error]

        async def deliver(delivery):
            if delivery.op == "send" and raised:
                raise raised.pop()
            return await real(delivery)

        platform.deliver = deliver
        await world.say("ada", "hello")
        await world.settle()
        assert len(world.lines("send given up") + world.lines("send retried")) == 1
        check(world)


@pytest.mark.parametrize("error", ODD, ids=[str(n) for n in range(len(ODD))])
async def test_an_agent_that_raises_it_fails_its_turn_and_no_more(autojump_clock, error):
    async def agent(turn):
        if turn.text == "hello":
            raise error
        return await echo(turn)

    async with open_world(agent) as world:
        for text in ("hello", "again"):
            await world.say("ada", text)
            await world.settle()
        assert await world.outcomes() == ["failed", "answered"]
        check(world)
