"""I7: no typing call to a chat after its turn has ended, however it ended."""

from __future__ import annotations

import pytest
import trio

from hermes_trio import Silence
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, open_world


class Watched(MemoryPlatform):
    """Keeps, for each typing call, what had happened before it. It hangs where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.typed: list[int] = []
        self.hangs = ""

    async def deliver(self, delivery):
        if delivery.op == "typing":
            self.typed.append(len(self.record.events))
        if delivery.op == self.hangs:
            await trio.sleep_forever()
        return await super().deliver(delivery)


def check(world) -> None:
    """Every typing call fell between a turn's opening and its end; there were some."""
    during, running = set(), 0
    for at, event in enumerate(world.record.events):
        if running:
            during.add(at)
        running += {"turn opened": 1, "turn closed": -1}.get(event.what, 0)
    if running:
        during.add(len(world.record.events))
    assert world.platform.typed, world.timeline()
    assert set(world.platform.typed) <= during, world.timeline()


async def works(turn):
    await trio.sleep(10)
    match turn.text:
        case "silence":
            return Silence("nothing to say")
        case "error":
            raise ValueError("no")
        case "ask":
            return await turn.ask("which?")
        case "sleep":
            await turn.sleep(100)
    return "re: " + turn.text


async def slow_to_leave(turn):
    with trio.CancelScope(shield=True):
        await trio.sleep(100)


async def watched(
    agent, *said: str, at: float = 0.0, hangs: str = "", until: float = 400.0, **options
) -> None:
    """A turn for the first text; the others are said at a time."""
    platform = Watched()
    platform.hangs = hangs
    async with open_world(agent, platform=platform, options=GatewayOptions(**options)) as world:
        await world.say("ada", said[0])
        await world.until(seconds=at)
        for text in said[1:]:
            await world.say("ada", text)
        await world.until(seconds=until)
        check(world)


@pytest.mark.parametrize("text", ["answer", "silence", "error", "ask", "sleep"])
async def test_by_its_answer_by_silence_by_an_error_and_not_while_it_waits(autojump_clock, text):
    await watched(works, text)


@pytest.mark.parametrize("command", ["/stop", "/new"])
@pytest.mark.parametrize("at", [0.5, 4.5, 7.0])
@pytest.mark.parametrize("agent", [works, slow_to_leave])
async def test_by_a_command_also_in_the_moment_of_a_typing_call(autojump_clock, agent, command, at):
    await watched(agent, "answer", command, at=at)


@pytest.mark.parametrize("command", ["/stop", "/new"])
async def test_before_it_has_lasted_so_long_that_it_types(autojump_clock, command):
    """What it works on refuses to leave, so that the turn's half second passes behind its end."""
    platform = Watched()
    async with open_world(slow_to_leave, platform=platform) as world:
        await world.say("ada", "answer")
        await world.until(seconds=0.3)
        await world.say("ada", command)
        await world.until(seconds=100)
        assert platform.typed == []


@pytest.mark.parametrize("at", [0.5, 4.5, 7.0])
async def test_by_a_message_that_interrupts_it(autojump_clock, at):
    await watched(works, "answer", "and this", at=at, busy="interrupt")


@pytest.mark.parametrize("hangs", ["typing", "send", "edit"])
@pytest.mark.parametrize("text", ["answer", "error"])
async def test_also_where_typing_or_sending_hangs(autojump_clock, hangs, text):
    await watched(works, text, hangs=hangs)


async def test_by_its_deadline(autojump_clock):
    await watched(works, "answer", turn_deadline_s=7.0)


@pytest.mark.parametrize("at", [0.5, 4.5, 7.0])
async def test_by_a_crash(autojump_clock, at):
    platform = Watched()
    async with open_world(works, platform=platform) as world:
        await world.say("ada", "answer")
        await world.until(seconds=at)
        world.crash()
        count = len(platform.typed)
        await world.until(seconds=100)
        assert len(platform.typed) == count
        await world.start()
        await world.settle()
        await world.until(seconds=300)
        check(world)


async def test_by_a_drain(autojump_clock):
    platform = Watched()
    async with open_world(works, platform=platform, options=GatewayOptions(drain_timeout_s=2.0)) as world:
        await world.say("ada", "answer")
        await world.until(seconds=1)
        await world.stop()
        count = len(platform.typed)
        await world.until(seconds=100)
        assert len(platform.typed) == count
        check(world)


@pytest.mark.world(agent=works, platform=Watched())
async def test_a_typing_call_behind_the_end_would_be_seen(world):
    await world.say("ada", "answer")
    await world.settle()
    check(world)
    await world.gateway.wiring.outbox.typing(world.platform.message("ada", "").address)
    with pytest.raises(AssertionError):
        check(world)
