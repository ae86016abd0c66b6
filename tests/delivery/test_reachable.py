"""A chat that comes back is told at once what is owed to it."""

from __future__ import annotations

import pytest

from hermes_trio.errors import NotSent
from hermes_trio.testing import MemoryPlatform, open_world
from tests.invariants.at_rest import check


class Comings(MemoryPlatform):
    """Its chats come and go one by one, as the clients of a server do."""

    def __init__(self) -> None:
        super().__init__()
        self.away = set()

    async def serve(self, intake) -> None:
        self.intake = intake
        await super().serve(intake)

    async def deliver(self, delivery):
        if delivery.address.chat in self.away:
            raise NotSent("not connected")
        return await super().deliver(delivery)

    def back(self, chat) -> None:
        self.away.discard(chat)
        self.intake.reachable(chat)


@pytest.mark.parametrize("away_s", [0.5, 35.0, 3600.0])
async def test_who_comes_back_is_told_at_that_moment(autojump_clock, away_s):
    platform = Comings()
    async with open_world(platform=platform) as world:
        platform.away = {"ada", "bob"}
        for user in ("ada", "bob"):
            await world.say(user, "hello")
        await world.until(seconds=away_s)
        tries = len(world.lines("send retried"))
        platform.back("ada")
        assert await world.reply("ada") == "you said: hello"
        assert world.now == away_s
        assert world.shown("bob") == []
        assert len(world.lines("send retried")) == tries
        platform.back("bob")
        await world.settle()
        assert world.now == away_s
        check(world)
