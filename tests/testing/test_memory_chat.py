"""What a World's chats show: for good, for a while, by kind, and where."""

from __future__ import annotations

import pytest

from hermes_trio.testing import MemoryPlatform, ScriptedModel, WaitedTooLong, text

WORK, HOME = MemoryPlatform(account="work"), MemoryPlatform(account="home")


async def test_by_kind_and_only_for_good_where_none_is_named(world):
    world.model.script(text("I am ", "here.", between_s=5))
    await world.say("ada", "/stop")
    await world.reply("ada")
    await world.say("ada", "where are you?")
    await world.until(seconds=3)
    assert world.texts("ada", "preview") == ["I am"]
    assert world.texts("ada") == ["Nothing is running."]
    await world.settle()
    assert world.texts("ada") == ["Nothing is running.", "I am here."]
    assert world.texts("ada", "final") == ["I am here."]
    assert world.texts("ada", "preview", "reply") == ["Nothing is running."]


@pytest.mark.world(platforms=[WORK, HOME])
async def test_in_each_chat_and_thread_of_each_platform(world):
    await world.say("ada", "one")
    await world.say("ada", "two", thread="news")
    await world.say("ada", "three", platform=HOME)
    await world.settle()
    assert world.texts("ada") == ["you said: one"]
    assert world.texts("ada", thread="news") == ["you said: two"]
    assert world.texts("ada", platform=HOME) == ["you said: three"]
    assert world.texts("bob") == []


async def test_each_text_is_given_once_by_reply(world):
    for word in ("one", "two"):
        await world.say("ada", word)
        assert await world.reply("ada") == f"you said: {word}"


async def test_a_wait_for_what_does_not_come_ends_and_says_what_did(world):
    await world.say("ada", "hello")
    await world.reply("ada")
    with pytest.raises(WaitedTooLong, match="waited 3600 virtual s for message 2 in ada") as raised:
        await world.reply("ada")
    assert "text='you said: hello'" in str(raised.value)
    assert world.now == 3601.0  # what is due when the hour ends has come by then


async def test_a_model_that_is_put_in_its_place_is_asked_by_the_next_life(world):
    world.crash()
    world.model = ScriptedModel("another")
    world.model.script(text("I am new here."))
    await world.start()
    await world.say("ada", "hello")
    assert await world.reply("ada") == "I am new here."
    assert {event.fields["model"] for event in world.record.of("model")} == {"another"}
