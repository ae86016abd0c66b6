"""What a message was made of leaves at its end, and does not wait for the collector of cycles."""

import gc

from hermes_trio.testing import open_world

OURS = ("hermes_trio.turns", "hermes_trio.runtime", "hermes_trio.delivery", "hermes_trio.agent")


async def test_a_message_leaves_nothing_for_the_collector(autojump_clock):
    async with open_world() as world:
        await world.say("ada", "first")
        await world.reply("ada")
        await world.settle()
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            for n in range(5):
                await world.say("ada", f"hello {n}")
                await world.reply("ada")
            await world.settle()
            gc.collect()
            left = [type(one).__qualname__ for one in gc.garbage if type(one).__module__.startswith(OURS)]
        finally:
            gc.set_debug(0)
            gc.enable()
            gc.garbage.clear()
    assert left == []
