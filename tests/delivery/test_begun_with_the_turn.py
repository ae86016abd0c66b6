"""Where a lane is idle, the commit that closes a turn begins the call of its answer. Nothing else changes."""

import pytest
import trio

from hermes_trio.errors import StoreFailed
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import CrashingStore, MemoryPlatform, open_world
from tests.delivery.chats import calls, capabilities
from tests.gateway.hosts import Host, echo, say

ENDS = (
    "select turn.closed_at = outbound.begun_at from outbound join turn on turn.id = outbound.turn"
    " order by turn.id"
)


def together(world):
    """Of each turn, whether its answer began when it ended."""
    return [bool(at_once) for (at_once,) in world.db.execute(ENDS)]


async def test_an_answer_begins_with_the_commit_that_ends_its_turn(autojump_clock):
    async with open_world(commit_s=1.0) as world:
        await world.say("u1", "hi")
        assert await world.reply("u1") == "you said: hi"
        assert together(world) == [True]


async def test_one_that_has_to_wait_for_its_lane_begins_later(autojump_clock):
    async with open_world(platform=MemoryPlatform(delay_s=10.0)) as world:
        await world.say("u1", "hi")
        await world.until(seconds=1.0)
        await world.say("u1", "and")
        await world.settle()
        assert together(world) == [True, False]
        assert world.platform.texts("u1") == ["you said: hi", "you said: and"]


async def test_nor_does_one_begin_in_a_chat_that_has_to_be_silent(autojump_clock):
    async with open_world() as world:
        world.platform.fault("wait", wait_s=30.0)
        await world.say("u1", "hi")
        await world.until(seconds=5.0)
        await world.say("u1", "and", thread="t")
        await world.settle()
        assert together(world) == [True, False]
        later = [(30.0, "send", "final", f"you said: {text}") for text in ("and", "hi")]
        assert sorted(calls(world)[1:]) == later


async def test_its_parts_are_said_in_order_and_once(autojump_clock):
    async def long(turn):
        return "\n\n".join(c * 100 for c in "abc")

    platform = MemoryPlatform(capabilities=capabilities(text_max=120))
    async with open_world(agent=long, platform=platform) as world:
        await world.say("u1", "hi")
        await world.settle()
        assert [text.strip()[0] for text in world.platform.texts("u1")] == ["a", "b", "c"]


@pytest.fixture
def host():
    host = Host()
    yield host
    host.db.close()


class CutAt(CrashingStore):
    """Tells when the commit is durable that ends a turn."""

    cut = staticmethod(lambda: None)

    async def close_turn(self, turn, closing, **how):
        begun = await super().close_turn(turn, closing, **how)
        self.cut()
        return begun


async def test_what_had_begun_and_was_not_called_when_a_stop_came_is_said_unmarked_by_the_next_boot(
    autojump_clock, host
):
    platform = MemoryPlatform()
    store = CutAt(host.db, host.clock, seeded_chance("x"), 0.0)
    with trio.CancelScope() as stop:
        store.cut = stop.cancel
        async with host.gateway(echo, platform, store=store):
            say(platform, "hi")
            await trio.sleep_forever()
    assert host.rows("select state, begun, unknown, attempts from outbound") == [("owed", 0, 0, 1)]
    assert platform.texts("u1") == []
    async with host.gateway(echo, platform) as gateway:
        await gateway.at_rest()
    assert platform.texts("u1") == ["you said: hi"]


class RefusesOnce(CrashingStore):
    """The disk refuses the first end of a turn; a command's answer is owed meanwhile."""

    refused = False

    async def close_turn(self, turn, closing, **how):
        if how and not self.refused:
            self.refused = True
            raise StoreFailed("SQLITE_FULL")
        return await super().close_turn(turn, closing, **how)


async def test_an_end_that_the_disk_refuses_keeps_the_lane_from_nobody(autojump_clock, host):
    platform, store = MemoryPlatform(), RefusesOnce(host.db, host.clock, seeded_chance("x"), 0.0)
    async with host.gateway(echo, platform, store=store) as gateway:
        say(platform, "hi")
        await trio.sleep(0.1)
        assert store.refused
        say(platform, "/help")
        await trio.sleep(0.1)
        assert len(platform.texts("u1")) == 1
        await gateway.at_rest()
    assert platform.texts("u1")[1:] == ["you said: hi"]
