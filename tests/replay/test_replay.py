"""A recorded conversation runs again as it ran: what was said, what became of it, what was kept."""

from __future__ import annotations

from hermes_trio.testing import open_world, text, tool
from hermes_trio.testing.replay import open_replay, recording_of


async def replayed(world, session=1, **how):
    """What is otherwise when a session of this world runs again."""
    recording = recording_of(world, session)
    async with open_replay(recording, **how) as replay:
        await replay.finished()
        return [str(one) for one in replay.differences()]


async def test_a_conversation_with_a_tool(autojump_clock):
    async with open_world() as world:
        world.model.script(tool("now"), text("It is late.", after_s=3))
        await world.say("ada", "what time is it?")
        await world.reply("ada")
        await world.until(seconds=60)
        await world.say("ada", "thanks")
        await world.reply("ada")
        await world.settle()
        assert await replayed(world) == []


async def test_a_sleep_over_a_crash(autojump_clock):
    async with open_world() as world:
        world.model.script(tool("sleep", s=3600), text("Time for tea."))
        await world.say("ada", "remind me in an hour")
        await world.until(minutes=30)
        world.crash()
        await world.until(minutes=40)
        await world.start()
        assert await world.reply("ada") == "Time for tea."
        await world.settle()
        assert await replayed(world) == []
