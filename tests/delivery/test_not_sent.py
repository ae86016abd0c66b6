"""What certainly was not sent is sent later, otherwise, or given up."""

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import PlatformDown
from hermes_trio.testing import MemoryPlatform, open_world, text
from tests.delivery.chats import calls, outbound

ANSWER = "you said: hi"


async def test_what_was_certainly_not_sent_is_never_marked(world):
    world.platform.fault("not_sent", "not_sent", "not_sent")
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == [ANSWER]
    assert outbound(world) == [("final", "sent", 4, 0, 0)]


async def test_what_was_not_sent_is_retried_across_restarts(world):
    world.platform.connected = False
    await world.say("u1", "hi")
    for boot in range(3):
        await world.until(minutes=10 * boot + 10)
        world.crash()
        await world.start()
    world.platform.connected = True
    await world.settle()
    assert world.platform.texts("u1") == [ANSWER]


@pytest.mark.world(options=GatewayOptions(give_up_after_s=3600))
async def test_what_cannot_be_sent_is_given_up_as_undeliverable(world):
    world.platform.connected = False
    await world.say("u1", "hi")
    await world.until(minutes=59)
    assert outbound(world, "state") == [("owed",)]
    await world.settle()
    assert outbound(world, "state, why") == [("failed", "undeliverable")]
    assert 3600 <= world.now <= 3661
    [line] = world.lines("send given up")
    assert line["why"] == "undeliverable"


async def answers_after_two_days(turn):
    turn.stream("let me think")
    await trio.sleep(2)
    await turn.sleep(48 * 3600)
    return "done"


@pytest.mark.world(agent=answers_after_two_days, options=GatewayOptions(give_up_after_s=3600))
async def test_the_time_to_give_up_counts_from_the_answer_not_from_its_preview(world):
    await world.say("u1", "hi")
    await world.until(hours=49)
    assert world.platform.texts("u1") == ["done"]


async def test_a_chat_that_is_gone_fails_at_once(world):
    world.platform.fault("gone")
    await world.say("u1", "hi")
    await world.settle()
    assert world.now == 0
    assert outbound(world, "state, attempts") == [("failed", 1)]
    assert len(calls(world)) == 1


async def formatted(turn):
    return "**a** _b_"


@pytest.mark.world(agent=formatted)
async def test_refused_markup_goes_once_more_as_plain_text(world):
    world.platform.fault("markup")
    await world.say("u1", "hi")
    await world.settle()
    first, second = (c.delivery for c in world.platform.calls)
    assert first.part.spans
    assert second.part.spans == ()
    assert first.part.text == second.part.text == "a b"
    assert world.now == 0
    assert outbound(world, "state, marked") == [("sent", 0)]


@pytest.mark.world(agent=formatted)
async def test_plain_text_that_is_refused_for_its_markup_is_given_up(world):
    world.platform.fault("markup", "markup")
    await world.say("u1", "hi")
    await world.settle()
    assert outbound(world, "state, attempts") == [("failed", 2)]


class Drops(MemoryPlatform):
    """Its connection can be dropped; it is received again when the connection is back."""

    def __init__(self):
        super().__init__()
        self.dropped = trio.Event()

    async def serve(self, intake):
        if not self.connected:
            raise PlatformDown("no connection")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().serve, intake)
            await self.dropped.wait()
            self.dropped, self.connected = trio.Event(), False
            raise PlatformDown("connection lost")


async def test_a_connection_that_is_back_wakes_what_waits_at_once(autojump_clock):
    woken = 0
    for seed in range(20):
        async with open_world(platform=Drops(), seed=seed) as world:
            world.model.script(text(ANSWER, after_s=10))
            await world.say("u1", "hi")
            await world.until(seconds=1)
            world.platform.dropped.set()
            await world.until(minutes=20)
            world.platform.connected = True
            await world.until(minutes=22)
            _, up = [line["t"] for line in world.lines("account up")]
            sent, *_ = calls(world, op="send")[-1]
            assert sent <= round(up, 3)
            woken += sent == round(up, 3)
    assert woken > 3


async def linked(turn):
    return "**See** [the app](x-app:1)."


@pytest.mark.world(agent=linked)
@pytest.mark.parametrize("fault", ["markup", "refuse"])
async def test_a_refusal_that_formatting_can_cause_costs_the_formatting_and_no_address(world, fault):
    world.platform.fault(fault)
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == ["See the app (x-app:1)."]
    assert outbound(world, "state, attempts") == [("sent", 2)]


async def says_invisibly(turn):
    await turn.say("\u3164")
    return "\u200b\u2060"


@pytest.mark.world(agent=says_invisibly)
async def test_what_shows_nothing_is_not_sent(world):
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.calls == []
    assert await world.outcomes() == ["answered"]
