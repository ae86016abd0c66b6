"""What an agent function sees of the conversation before its turn."""

from hermes_trio import AssistantEntry, UserEntry
from hermes_trio.testing import open_world


async def test_history_is_the_conversation_before_this_turn_and_after_the_last_reset(autojump_clock):
    seen = []

    async def agent(turn):
        seen.append(list(await turn.history()))
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        for text in ("one", "two", "/new", "three"):
            await world.say("u1", text)
            await world.reply("u1")
    before = [UserEntry(text="one"), AssistantEntry(text="re: one")]
    assert seen == [[], before, []]
