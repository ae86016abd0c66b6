"""I13: load is no fault. However slow the gateway itself is, all is answered, once, and only later."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, open_world

CHATS = 150


async def act():
    return 1


async def works(turn):
    """Streams, acts, takes its time and answers."""
    turn.stream("Let me think about ")
    await turn.step("act", act)
    turn.stream("this for a while. ")
    await trio.sleep(2)
    return f"re: {turn.text}"


async def all_say(world, words: str) -> None:
    for n in range(CHATS):
        world.platform.push(world.platform.message(f"u{n}", words))
    await trio.lowlevel.checkpoint()


def answers(world) -> list[list[str]]:
    return [world.texts(f"u{n}") for n in range(CHATS)]


@pytest.mark.parametrize("slow_s", [0.2, 3.0, 20.0])
async def test_a_slow_disk_makes_everything_late_and_nothing_else(autojump_clock, slow_s):
    """A commit takes up to forty seconds, and a turn's end waits for minutes in the writer's queue."""
    options = GatewayOptions(turns_max=CHATS, turn_deadline_s=30.0)
    async with open_world(works, options=options, platform=MemoryPlatform(delay_s=0.5)) as world:
        world.life.store.slow_s = slow_s
        await all_say(world, "one")
        await world.settle()
        assert answers(world) == [["re: one"]] * CHATS
        assert {(row.outcome, row.reason) for row in await world.ledger()} == {("answered", "")}
        assert not world.lines("worker failed")
        said = [(call.delivery.op, call.delivery.said) for call in world.platform.calls]
        assert said.count(("send", "final")) + said.count(("edit", "final")) == CHATS
        attempts = world.db.execute("select distinct attempt from turn").fetchall()
        assert attempts == [(1,)]


async def test_a_start_with_everything_cut_short_on_a_slow_disk_too(autojump_clock):
    options = GatewayOptions(turns_max=CHATS, turn_deadline_s=30.0)
    async with open_world(works, options=options) as world:
        await all_say(world, "one")
        await world.until(seconds=1)
        world.crash()
        world.commit_s = 2.0
        await world.start()
        await all_say(world, "two")
        await world.settle()
        assert answers(world) == [["re: one", "re: two"]] * CHATS
        assert {row.outcome for row in await world.ledger()} == {"answered"}
        assert world.db.execute("select max(attempt) from turn").fetchone() == (2,)
