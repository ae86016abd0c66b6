"""The preview and the final are one row and one message: what is streamed becomes the answer."""

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, fails, hangs, open_world, text
from hermes_trio.text import sentences
from hermes_trio.values.actions import Silence
from hermes_trio.values.delivery import Capabilities
from tests.delivery.chats import Tripwire, calls, capabilities, crash_in_call, made, outbound
from tests.scenes import streams


@pytest.mark.world(agent=streams)
async def test_the_final_edits_the_preview(world):
    await world.say("u1", "hi")
    assert await world.reply("u1") == "half and whole"
    await world.settle()
    assert made(world) == [("send", "preview", "half"), ("edit", "final", "half and whole")]
    assert outbound(world, "said, state") == [("final", "sent")]
    assert len(world.platform.seen) == 1


@pytest.mark.world(agent=streams)
async def test_the_preview_is_shown_half_a_second_and_a_gust_after_the_turn_began(world):
    await world.say("u1", "hi")
    await world.settle()
    assert [c[0] for c in calls(world) if c[2] == "preview"] == [0.8]


async def says_then_answers(turn):
    turn.stream("let me")
    await trio.sleep(2)
    await turn.say("let me look")
    turn.stream("it is")
    await trio.sleep(2)
    return "it is blue"


@pytest.mark.world(agent=says_then_answers)
async def test_say_takes_over_the_preview_and_the_next_one_is_a_new_message(world):
    await world.say("u1", "hi")
    await world.settle()
    assert made(world) == [
        ("send", "preview", "let me"),
        ("edit", "say", "let me look"),
        ("send", "preview", "it is"),
        ("edit", "final", "it is blue"),
    ]


async def asks(turn):
    turn.stream("shall")
    await trio.sleep(2)
    return await turn.ask("shall I?", choices=["yes", "no"])


@pytest.mark.world(agent=asks)
async def test_a_question_takes_over_the_preview_with_its_choices(world):
    await world.say("u1", "hi")
    assert await world.reply("u1") == "shall I?"
    prompt = world.platform.calls[-1].delivery
    assert prompt.op == "edit"
    assert [choice.label for choice in prompt.choices] == ["yes", "no"]
    await world.say("u1", "yes", choice=prompt.choices[0].token)
    await world.settle()
    assert world.platform.texts("u1") == ["shall I?", "yes"]


@pytest.mark.world(agent=streams)
async def test_an_edit_in_flight_is_finished_before_the_finals(world):
    world.platform.delay_s = 5.0
    await world.say("u1", "hi")
    await world.settle()
    assert [c[:3] for c in calls(world) if c[1] != "typing"] == [
        (0.8, "send", "preview"),
        (5.8, "edit", "final"),
    ]


async def streams_on(turn):
    turn.stream("half")
    await trio.sleep(2)
    turn.stream(" more")
    await trio.sleep(100)


@pytest.mark.world(agent=streams_on)
@pytest.mark.parametrize(("command", "line"), [("/stop", "(stopped)"), ("/new", "(ended by a new session)")])
async def test_a_turn_that_is_cut_closes_its_preview_with_a_line(world, command, line):
    await world.say("u1", "hi")
    await world.until(seconds=5)
    await world.say("u1", command)
    await world.settle()
    assert f"half more\n\n{line}" in world.platform.texts("u1")
    assert made(world)[-1][:2] == ("edit", "notice")
    assert len(world.platform.seen) == 2


async def fails_late(turn):
    turn.stream("half")
    await trio.sleep(2)
    raise RuntimeError("inner")


@pytest.mark.world(agent=fails_late)
async def test_a_turn_that_failed_says_so_in_its_preview_and_once(world):
    await world.say("u1", "hi")
    await world.settle()
    [shown] = world.platform.texts("u1")
    assert shown.startswith("half\n\nSomething went wrong")
    assert "inner" not in shown


@pytest.mark.world(agent=fails_late)
async def test_also_when_the_preview_is_in_flight(world):
    world.platform.delay_s = 5.0
    await world.say("u1", "hi")
    await world.settle()
    [shown] = world.platform.texts("u1")
    assert shown.startswith("half\n\nSomething went wrong")


async def silent(turn):
    turn.stream("half")
    await trio.sleep(2)
    return Silence("nothing to say")


@pytest.mark.world(agent=silent)
async def test_silence_after_a_preview_closes_it(world):
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == ["half\n\n(cut short)"]


@pytest.mark.world(agent=streams)
async def test_a_preview_that_was_lost_makes_the_final_a_new_message(world):
    await world.say("u1", "hi")
    await world.until(seconds=1)
    world.platform.seen.clear()
    await world.settle()
    assert world.platform.texts("u1") == ["half and whole"]
    assert made(world)[-1] == ("send", "final", "half and whole")


@pytest.mark.world(agent=streams)
async def test_a_preview_of_which_nobody_knows_makes_the_final_a_new_message_that_is_marked(world):
    world.platform.fault("lost_answer")
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == ["half", "half and whole ↻"]
    assert outbound(world, "state, marked") == [("sent", 1)]


async def test_where_a_key_is_taken_such_a_preview_is_found_again_and_edited(autojump_clock):
    platform = MemoryPlatform(capabilities=capabilities(takes_key=True))
    async with open_world(agent=streams, platform=platform) as world:
        platform.fault("lost_answer")
        await world.say("u1", "hi")
        await world.settle()
        assert platform.texts("u1") == ["half and whole"]


async def test_also_when_the_turn_ended_while_the_preview_was_in_flight(autojump_clock):
    platform = MemoryPlatform(capabilities=capabilities(takes_key=True), delay_s=5.0)
    async with open_world(agent=streams, platform=platform) as world:
        platform.fault("lost_answer")
        await world.say("u1", "hi")
        await world.settle()
        assert platform.texts("u1") == ["half and whole"]


@pytest.mark.parametrize("takes_key", [False, True])
@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_in_the_first_preview_call(autojump_clock, after, takes_key):
    platform = Tripwire(after=after, capabilities=capabilities(takes_key=takes_key))
    async with open_world(agent=streams, platform=platform) as world:
        await world.say("u1", "hi")
        await crash_in_call(world)
        await world.settle()
        shown = platform.texts("u1")
        if takes_key:
            assert shown == ["half and whole"]
        else:
            assert shown == [*(["half"] if after else []), "half and whole ↻"]
        assert await world.outcomes() == ["answered"]


@pytest.mark.world(agent=streams_on)
async def test_a_preview_survives_a_restart_as_the_same_message(world):
    await world.say("u1", "hi")
    await world.until(seconds=5)
    world.crash()
    await world.start()
    await world.until(seconds=10)
    assert len(world.platform.seen) == 1
    assert next(op for op, said, _ in made(world) if said == "preview") == "send"
    assert "send" not in [op for op, said, _ in made(world) if said == "preview"][1:]


@pytest.mark.world(agent=streams)
async def test_a_preview_in_a_group_answers_the_message_visibly(world):
    message = await world.say("u1", "hi", chat="g", group=True)
    await world.settle()
    [seen] = world.platform.seen.values()
    assert seen.reply_to == message.message_id


@pytest.mark.world(agent=streams)
async def test_a_preview_in_private_answers_nothing_visibly(world):
    await world.say("u1", "hi")
    await world.settle()
    [seen] = world.platform.seen.values()
    assert seen.reply_to is None


@pytest.mark.world(options=GatewayOptions(progress_every_s=0))
async def test_the_models_words_are_the_preview(world):
    world.model.script(text("one ", "two ", "three", after_s=0.2, between_s=1.0))
    await world.say("u1", "hi")
    await world.settle()
    assert made(world)[0][:2] == ("send", "preview")
    assert made(world)[-1] == ("edit", "final", "one two three")
    assert len(world.platform.seen) == 1


@pytest.mark.world(options=GatewayOptions(progress_every_s=0))
async def test_what_was_read_of_an_answer_stays_above_the_line_that_says_it_failed_and_is_no_answer(world):
    world.model.script(hangs("Half an ans"), fails("malformed"))
    await world.say("u1", "hi")
    await world.until(seconds=5)
    world.model.heal()
    await world.settle()
    [shown] = world.platform.texts("u1")
    assert shown.startswith("Half an ans\n\n")
    assert await world.outcomes() == ["failed"]
    await world.say("u1", "and now?")
    await world.settle()
    assert world.platform.texts("u1") == [shown, "you said: and now?"]
    assert "Half an ans" not in str(world.model.requests[-1])


@pytest.mark.parametrize("takes_key", [False, True])
async def test_an_edit_that_may_have_arrived_and_is_refused_when_repeated_is_given_up_aloud(
    autojump_clock, takes_key
):
    """Found by seed 18392: an answer that stood in its preview's place was sent once more, unmarked."""
    capabilities = Capabilities(can_edit=True, takes_key=takes_key)
    async with open_world(platform=MemoryPlatform(capabilities=capabilities)) as world:
        world.model.script(text("it is ", "late", after_s=1, between_s=1))
        await world.say("ada", "what time is it?")
        await world.until(seconds=2.5)
        world.platform.fault("hang")
        await world.until(seconds=4)
        world.crash()
        world.platform.fault("refuse")
        await world.start()
        await world.settle()
        assert world.texts("ada") == ["it is late", sentences.MAY_BE_MISSING]
        assert [line["row"] for line in world.lines("send given up")] == [1]


async def test_a_preview_that_was_in_doubt_often_is_edited_once_its_key_is_confirmed(autojump_clock):
    """Found by seed 34887: the text of the final was sent again under the same key instead."""
    platform = MemoryPlatform(capabilities=Capabilities(can_edit=True, takes_key=True))
    async with open_world(platform=platform) as world:
        world.model.script(text("half ", "and whole", after_s=0.6, between_s=1))
        platform.fault("hang", *["lost_answer"] * 4)
        await world.say("ada", "hi")
        await world.settle()
        ops = [call.delivery.op for call in platform.calls if call.delivery.op in ("send", "edit")]
        assert ops == ["send"] * 6 + ["edit"], world.timeline()
        assert world.texts("ada") == ["half and whole"]
