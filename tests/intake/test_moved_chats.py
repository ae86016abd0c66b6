"""A chat that gets another id keeps its conversation: what waits, what runs, what is owed, and who asked."""

import pytest
import trio

from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.testing import MemoryPlatform, open_world, text, tool
from tests.delivery.chats import outbound

OLD = {"chat": "-500", "group": True}
NEW = {"chat": "-1007", "group": True}


def said(world):
    """What the model was last shown of its users."""
    return [entry.text for entry in world.model.requests[-1].entries if hasattr(entry, "text")]


async def test_a_running_turn_lands_in_the_new_chat_and_is_remembered_there(world):
    world.model.script(tool("sleep", s=10), text("the answer"), text("I remember"))
    await world.say("ada", "hello", **OLD)
    await world.until(seconds=5)
    world.platform.move("-500", "-1007")
    await world.say("ada", "and now?", **NEW)
    await world.settle()
    assert world.texts("-1007", "final") == ["the answer", "I remember"]
    assert world.platform.texts("-500") == []
    assert "hello" in said(world)
    assert await world.outcomes() == ["answered", "answered"]


async def test_what_is_refused_under_the_old_id_is_said_under_the_new_one(world):
    world.platform.move("-500", "-1007", told=False)
    await world.say("ada", "hello", **OLD)
    await world.settle()
    assert world.texts("-1007", "final") == ["you said: hello"]
    assert outbound(world, "state, marked") == [("sent", 0)]
    assert world.now == 0


async def test_what_is_refused_when_the_move_was_heard_meanwhile_is_said_under_the_new_one(autojump_clock):
    platform = MemoryPlatform(delay_s=1)
    async with open_world(platform=platform) as world:
        platform.move("-500", "-1007", told=False)
        await world.say("ada", "hello", **OLD)
        await world.until(seconds=0.5)
        platform.move("-500", "-1007")
        await world.settle()
        assert world.texts("-1007", "final") == ["you said: hello"]
        assert outbound(world, "state, marked") == [("sent", 0)]


async def test_a_crash_between_forgets_nothing_of_it(world):
    world.model.script(tool("sleep", s=10), text("the answer"), text("I remember"))
    await world.say("ada", "hello", **OLD)
    await world.until(seconds=5)
    world.platform.move("-500", "-1007")
    await world.until(seconds=6)
    world.crash()
    await world.start()
    await world.say("ada", "and now?", **NEW)
    await world.settle()
    assert world.texts("-1007", "final") == ["the answer", "I remember"]
    assert "hello" in said(world)


async def test_a_stop_from_the_new_chat_stops_what_runs(world):
    world.model.script(tool("sleep", s=3600))
    await world.say("ada", "hello", **OLD)
    await world.until(seconds=5)
    world.platform.move("-500", "-1007")
    await world.say("ada", "/stop", **NEW)
    await world.settle()
    assert await world.outcomes() == ["stopped", "answered"]
    assert world.now < 10


async def speaks_slowly(turn):
    for n in range(20):
        turn.stream(f"word {n} ")
        await trio.sleep(1)
    return "all the words"


@pytest.mark.world(agent=speaks_slowly)
async def test_a_preview_of_before_is_begun_anew_and_no_reply_goes_by_an_old_id(world):
    await world.say("ada", "hello", **OLD)
    await world.until(seconds=10)
    assert world.texts("-500", "preview")
    world.platform.move("-500", "-1007")
    await world.settle()
    assert [seen.said for seen in world.shown("-1007")] == ["final"]
    sends = [call for call in world.platform.calls if call.delivery.address.chat == "-1007"]
    assert all(call.delivery.reply_to is None for call in sends)
    assert await world.outcomes() == ["answered"]


async def asks(turn):
    return "you said " + await turn.ask("Which?", timeout_s=3600)


@pytest.mark.world(agent=asks)
async def test_an_open_question_is_asked_again_where_it_can_be_answered(world):
    await world.say("ada", "hello", **OLD)
    await world.until(seconds=1)
    world.platform.move("-500", "-1007")
    await world.until(seconds=2)
    [prompt] = world.shown("-1007")
    assert (prompt.text, prompt.said) == ("Which?", "prompt")
    await world.say("ada", "that one", replies_to=prompt.message_id, **NEW)
    await world.settle()
    assert world.texts("-1007", "final") == ["you said that one"]


@pytest.mark.world(session=SessionOptions(scope="chat"))
async def test_a_chat_may_move_twice_and_be_told_twice(world):
    await world.say("ada", "one", **OLD)
    await world.settle()
    world.platform.move("-500", "-600")
    world.platform.move("-600", "-1007")
    world.platform.move("-600", "-1007")
    await world.say("ada", "two", **NEW)
    await world.settle()
    assert said(world)[0] == "one"
    await world.say("ada", "three", **OLD)
    await world.settle()
    assert world.texts("-1007", "final") == ["you said: two", "you said: three"]


@pytest.mark.parametrize("crashes", [False, True], ids=["", "crashes"])
@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
async def test_what_a_chat_is_owed_under_an_id_between_is_said_under_the_newest(world, told, crashes):
    world.model.script(text("one"), tool("sleep", s=10), text("two"), text("three"))
    await world.say("ada", "a", **OLD)
    await world.settle()
    world.platform.move("-500", "-600")
    await world.say("ada", "b", chat="-600", group=True)
    await world.until(seconds=5)
    world.platform.move("-600", "-1007", told=told)
    await world.until(seconds=6)
    if crashes:
        world.crash()
        await world.start()
    await world.settle()
    assert world.texts("-1007", "final") == ["two"]
    await world.say("ada", "c", **NEW)
    await world.settle()
    assert said(world)[0] == "a"
    assert world.texts("-1007", "final") == ["two", "three"]
    assert await world.outcomes() == ["answered"] * 3


async def test_moves_that_are_told_late_and_twice_lead_to_the_newest(world):
    await world.say("ada", "one", **OLD)
    await world.settle()
    for chat, becomes in (("-600", "-1007"), ("-500", "-600"), ("-600", "-1007"), ("-500", "-600")):
        world.platform.move(chat, becomes)
    await world.say("ada", "two", **NEW)
    await world.settle()
    assert said(world)[0] == "one"
    assert world.texts("-1007", "final") == ["you said: two"]


async def test_replies_are_anchored_again_to_messages_of_the_new_chat_and_to_no_others(world):
    world.model.script(tool("sleep", s=10), text("one"), text("two"), text("three"))
    await world.say("ada", "first", **OLD)
    await world.until(seconds=5)
    await world.say("ada", "before", **OLD)
    world.platform.move("-500", "-1007")
    await world.say("ada", "behind", **NEW)
    await world.settle()
    await world.say("ada", "after", **NEW)
    await world.settle()
    made = [call.delivery for call in world.platform.calls]
    anchors = [delivery.reply_to for delivery in made if delivery.op == "send"]
    asked = [row[0] for row in world.db.execute("select json_extract(body, '$.message_id') from inbound")]
    assert anchors == [None, None, asked[-1]]
    # Whether the third waits a moment, and has a sign meanwhile, is the scheduler's. It is in the new chat.
    assert {delivery.message_id for delivery in made if delivery.op in ("react", "unreact")} <= {asked[2]}


async def test_a_chat_that_is_said_to_be_itself_is_refused_and_nothing_turns_round(world):
    world.platform.move("-500", "-500", told=False)
    await world.say("ada", "hello", **OLD)
    await world.settle()
    assert outbound(world, "state") == [("failed",)]
    world.platform.move("-1", "-2", told=False)
    world.platform.move("-2", "-1", told=False)
    await world.say("ada", "hello", chat="-1", group=True)
    await world.settle()
    assert outbound(world, "state")[-1] == ("failed",)
