"""What comes while the gateway goes down: nothing acts outside its owner's life or is confirmed in vain.

Connections of an adapter may outlive its `serve`: they are owned by `open`, so that what is owed can still be
said. What they hear then is taken by a commit or refused, whenever it comes.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress

import pytest
import trio

from hermes_trio import IntakeClosed, StoreClosed, open_gateway
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, hangs, open_world
from tests.invariants.at_rest import check
from tests.scenes import echo

COMMIT_S = 0.01
CLOSING_S = 0.05
MOMENTS = [n * 0.004 for n in range(40)]


class Lasting(MemoryPlatform):
    """Its connections outlast `serve`, and take a moment to be closed."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = trio.Event()

    @asynccontextmanager
    async def open(self):
        try:
            yield
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(CLOSING_S)
            self.closed.set()

    async def serve(self, intake) -> None:
        self.intake = intake
        await super().serve(intake)

    async def hear(self, message) -> bool:
        """A client says this; whether it is told that the gateway has it."""
        try:
            await self.intake.accept([message])
        except IntakeClosed:
            return False
        return True


@pytest.mark.parametrize("after_s", MOMENTS)
async def test_what_is_said_at_any_moment_of_a_stop_is_answered_once_by_the_next_life(
    autojump_clock, after_s
):
    platform = Lasting()
    async with open_world(seed=int(after_s * 1000), platform=platform, commit_s=COMMIT_S) as world:
        message = platform.message("ada", "hello")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.stop)
            await trio.sleep(after_s)
            taken = await platform.hear(message)
        assert taken == bool(world.db.execute("select count(*) from inbound").fetchone()[0])
        assert world.db.execute("select clean from boot").fetchall() == [(1,)]
        await world.start()
        if not taken:
            assert await platform.hear(message)
        await world.settle()
        assert await world.outcomes() == ["answered"]
        assert [one.text for one in world.shown("ada") if one.said == "final"] == ["you said: hello"]
        check(world)


async def test_after_the_drain_has_ended_nothing_is_taken(autojump_clock):
    platform = Lasting()
    async with open_world(platform=platform) as world:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.stop)
            await trio.sleep(CLOSING_S / 2)
            assert not await platform.hear(platform.message("ada", "hello"))
            assert not platform.closed.is_set()
        assert not await platform.hear(platform.message("ada", "hello"))
        assert world.db.execute("select count(*) from inbound").fetchone() == (0,)


async def test_intake_that_waits_for_a_full_disk_ends_with_the_drain(autojump_clock):
    platform = Lasting()
    async with open_world(platform=platform) as world:
        world.disk.full = True
        async with trio.open_nursery() as nursery:
            taken = []

            async def hear():
                taken.append(await platform.hear(platform.message("ada", "hello")))

            nursery.start_soon(hear)
            await trio.sleep(5)
            assert taken == []
            await world.stop()
        assert taken == [False]


async def test_a_host_that_is_cancelled_takes_nothing_more(autojump_clock):
    platform = Lasting()
    async with trio.open_nursery() as nursery:
        scope = trio.CancelScope()

        async def host():
            with scope:
                async with open_gateway(echo, platforms=[platform], store=":memory:") as gateway:
                    await gateway.ready()
                    ready.set()
                    await trio.sleep_forever()

        ready = trio.Event()
        nursery.start_soon(host)
        await ready.wait()
        assert await platform.hear(platform.message("ada", "hello"))
        scope.cancel()
        await trio.sleep(CLOSING_S / 2)
        assert not await platform.hear(platform.message("ada", "and now?"))
        assert not platform.closed.is_set()


@pytest.mark.parametrize("after_s", MOMENTS[::4])
@pytest.mark.parametrize("what", ["stop", "reset", "resume"])
async def test_an_operator_at_any_moment_of_a_stop_ends_nobody(autojump_clock, after_s, what):
    options = GatewayOptions(drain_timeout_s=0.02)
    async with open_world(seed=int(after_s * 1000), options=options, commit_s=COMMIT_S) as world:
        await world.say("ada", "hello")
        await world.settle()
        world.model.script(hangs())
        await world.say("ada", "go on")
        await trio.sleep(1)
        gateway = world.gateway
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.stop)
            await trio.sleep(after_s)
            asked = getattr(gateway, what)
            with suppress(StoreClosed):
                await asked(1)
        await world.start()
        await world.say("ada", "/new")
        await world.say("ada", "are you there?")
        await world.settle()
        assert world.texts("ada", "final")[-1] == "you said: are you there?"
        check(world)
