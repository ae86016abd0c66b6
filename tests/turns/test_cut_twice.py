"""Who is cut while it leaves is cut again, and nobody is the worse for it."""

from __future__ import annotations

import trio

from hermes_trio.testing import open_world
from tests.invariants.at_rest import check


async def leaves_slowly(turn):
    if turn.messages[0].text == "work":
        with trio.CancelScope(shield=True):
            await trio.sleep(1.5)
    return "done"


async def test_a_turn_that_is_stopped_while_it_leaves_after_a_stop_ends_once(autojump_clock):
    async with open_world(leaves_slowly) as world:
        await world.say("ada", "work")
        await world.until(seconds=0.1)
        wiring = world.gateway.wiring
        ((key, _),) = wiring.sessions.live.items()
        wiring.sessions.cut(key, 1, "stop")
        wiring.sessions.cut(key, 1, "stop")
        await world.say("ada", "/stop")
        await world.say("ada", "and now?")
        await world.settle()
        assert world.texts("ada", "final") == ["done"]
        check(world)
