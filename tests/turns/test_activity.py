"""Typing, progress and the sign of waiting: shown while they are true, gone when they are not."""

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import SendRefused
from hermes_trio.testing import MemoryPlatform, open_world, text
from tests.delivery.chats import calls, capabilities, made, outbound


def works(seconds):
    async def agent(turn):
        await trio.sleep(seconds)
        return "done"

    return agent


def typing(world):
    return [c[0] for c in calls(world, op="typing")]


@pytest.mark.world(agent=works(10))
async def test_typing_begins_at_half_a_second_is_renewed_and_ends_with_the_turn(world):
    await world.say("u1", "hi")
    await world.until(seconds=60)
    assert typing(world) == [0.5, 4.5, 8.5]


@pytest.mark.world(agent=works(0.49))
async def test_no_typing_for_a_quick_turn(world):
    await world.say("u1", "hi")
    await world.until(seconds=60)
    assert made(world) == [("send", "final", "done")]
    assert typing(world) == []


@pytest.mark.parametrize("command", ["/stop", "/new"])
async def test_no_typing_after_a_turn_was_cut(autojump_clock, command):
    async with open_world(agent=works(1000)) as world:
        await world.say("u1", "hi")
        await world.until(seconds=6)
        await world.say("u1", command)
        await world.until(seconds=100)
        assert typing(world) == [0.5, 4.5]


class SlowTyping(MemoryPlatform):
    """A typing call takes three seconds."""

    async def deliver(self, delivery):
        if delivery.op == "typing":
            await trio.sleep(3)
        return await super().deliver(delivery)


async def test_a_typing_call_under_way_ends_with_its_turn(autojump_clock):
    async with open_world(agent=works(1), platform=SlowTyping()) as world:
        await world.say("u1", "hi")
        await world.until(seconds=60)
        assert typing(world) == []
        assert world.platform.texts("u1") == ["done"]


async def sleeps_then_asks(turn):
    await trio.sleep(2)
    await turn.sleep(100)
    await trio.sleep(6)
    await turn.ask("well?", timeout_s=1000)
    return "done"


@pytest.mark.world(agent=sleeps_then_asks)
async def test_no_typing_while_a_turn_sleeps_or_waits_for_a_person(world):
    await world.say("u1", "hi")
    await world.until(seconds=500)
    at = typing(world)
    assert at[0] == 0.5
    assert [t for t in at if 2 < t < 102 or t > 108] == []
    assert [t for t in at if t > 2] == [102.0, 106.0]


async def sleeps(turn):
    await turn.sleep(1800)
    return "done"


@pytest.mark.world(agent=sleeps)
async def test_no_progress_line_then_either(world):
    await world.say("u1", "hi")
    await world.settle()
    assert made(world) == [("send", "final", "done")]


async def steps(turn):
    for name in ("read", "think", "write"):
        await turn.step(name, trio.sleep, 190)
    return "done"


@pytest.mark.world(agent=steps)
async def test_progress_is_one_message_that_is_edited_and_deleted_at_the_end(world):
    await world.say("u1", "hi")
    await world.settle()
    assert [(t, op, said) for t, op, said, _ in calls(world) if op != "typing"] == [
        (180.0, "send", "progress"),
        (360.0, "edit", "progress"),
        (540.0, "edit", "progress"),
        (570.0, "send", "final"),
        (570.0, "delete", "progress"),
    ]
    assert [c[3] for c in calls(world) if c[2] == "progress"][:3] == [
        "Still working, 3 min, step 1: read",
        "Still working, 6 min, step 2: think",
        "Still working, 9 min, step 3: write",
    ]
    assert world.platform.texts("u1") == ["done"]


@pytest.mark.world(agent=steps, platform=MemoryPlatform(capabilities=capabilities(can_delete=False)))
async def test_where_nothing_can_be_deleted_it_is_edited_to_one_last_line(world):
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == ["Worked 10 min.", "done"]


@pytest.mark.world(
    agent=steps, platform=MemoryPlatform(capabilities=capabilities(can_delete=False, can_edit=False))
)
async def test_where_nothing_can_be_edited_either_it_is_said_once(world):
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == ["Still working, 3 min, step 1: read", "done"]


@pytest.mark.world(agent=works(400))
async def test_progress_survives_a_restart_as_the_same_message(world):
    await world.say("u1", "hi")
    await world.until(seconds=200)
    world.crash()
    await world.start()
    await world.until(seconds=500)
    assert made(world) == [
        ("send", "progress", "Still working, 3 min"),
        ("edit", "progress", "Still working, 6 min"),
    ]
    await world.settle()
    assert world.platform.texts("u1") == ["done"]


@pytest.mark.world(agent=works(400), options=GatewayOptions(progress_every_s=0))
async def test_progress_can_be_off(world):
    await world.say("u1", "hi")
    await world.settle()
    assert made(world) == [("send", "final", "done")]


@pytest.mark.world(agent=works(400))
async def test_a_turn_that_is_cut_takes_its_progress_with_it(world):
    await world.say("u1", "hi")
    await world.until(seconds=200)
    await world.say("u1", "/stop")
    await world.settle()
    assert world.platform.texts("u1") == ["Stopped."]


async def test_the_sign_of_waiting_is_a_reaction_that_goes_when_its_turn_begins(world):
    world.model.script(text("first", after_s=10), text("second", after_s=10))
    await world.say("u1", "one")
    await world.until(seconds=1)
    second = await world.say("u1", "two")
    await world.until(seconds=2)
    assert list(world.platform.reactions) == [second.message_id]
    await world.until(seconds=11)
    assert world.platform.reactions == {}


@pytest.mark.world(platform=MemoryPlatform(capabilities=capabilities(can_react=False)))
async def test_else_one_line_that_is_deleted(world):
    world.model.script(text("first", after_s=10), text("second", after_s=10))
    await world.say("u1", "one")
    await world.until(seconds=1)
    await world.say("u1", "two")
    await world.say("u1", "three")
    await world.until(seconds=2)
    assert world.platform.texts("u1") == ["Queued, position 1."]
    await world.until(seconds=11)
    assert world.platform.texts("u1") == ["first"]


async def test_where_a_chat_takes_no_reaction_the_sign_is_the_line(autojump_clock):
    class Shy(MemoryPlatform):
        """Its chats allow no reactions, which nobody knows before."""

        async def deliver(self, delivery):
            if delivery.op == "react":
                raise SendRefused("REACTION_INVALID")
            return await super().deliver(delivery)

    async with open_world(platform=Shy()) as world:
        world.model.script(text("first", after_s=10), text("second", after_s=10))
        await world.say("u1", "one")
        await world.until(seconds=1)
        await world.say("u1", "two")
        await world.until(seconds=2)
        assert world.platform.texts("u1") == ["Queued, position 1."]
        await world.until(seconds=11)
        assert world.platform.texts("u1") == ["first"]
        await world.settle()
        assert world.platform.texts("u1") == ["first", "second"]


async def test_a_sign_that_cannot_be_taken_away_holds_nothing_up(autojump_clock):
    class Stuck(MemoryPlatform):
        """Fails on each unreact, in a way of its own."""

        async def deliver(self, delivery):
            if delivery.op == "unreact":
                raise KeyError("emoji")
            return await super().deliver(delivery)

    async with open_world(platform=Stuck()) as world:
        world.model.script(text("first", after_s=10), text("second", after_s=10))
        await world.say("u1", "one")
        await world.until(seconds=1)
        await world.say("u1", "two")
        await world.settle()
        assert world.platform.texts("u1") == ["first", "second"]
        assert world.now < 30
        assert ("sign", "dropped") in [row[:2] for row in outbound(world)]
