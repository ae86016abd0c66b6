"""One lane per chat and thread, in order; what a person asked for now goes between the parts of an answer."""

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, hangs, open_world
from tests.delivery.chats import calls, capabilities, made

PARTS = [c * 100 for c in "abcdefghijklmnopqrst"]


async def twenty_parts(turn):
    return "\n\n".join(PARTS)


def slow(**more):
    return MemoryPlatform(delay_s=1.0, capabilities=capabilities(text_max=120, **more))


def shown(world, chat="u1", thread=None):
    return [text.strip() for text in world.platform.texts(chat, thread)]


@pytest.mark.world(agent=twenty_parts, platform=slow())
async def test_the_parts_of_an_answer_are_shown_in_order_one_call_at_a_time(world):
    await world.say("u1", "hi")
    await world.settle()
    assert shown(world) == PARTS
    assert [c[0] for c in calls(world)] == [float(n) for n in range(20)]


@pytest.mark.parametrize("command", ["/status", "/stop", "/help", "/nonsense"])
async def test_a_commands_answer_goes_between_the_parts_of_an_answer(autojump_clock, command):
    async with open_world(agent=twenty_parts, platform=slow()) as world:
        await world.say("u1", "hi")
        await world.until(seconds=4.5)
        await world.say("u1", command)
        await world.settle()
        said = [said for _, said, _ in made(world)]
        assert said[:6] == ["final"] * 5 + ["reply"]
        assert said[-15:] == ["final"] * 15
        assert calls(world)[5][0] == 5.0
        replies = [text.strip() for _, said, text in made(world) if said == "final"]
        assert replies == PARTS


@pytest.mark.parametrize("command", ["/status", "/stop", "/new"])
async def test_a_commands_answer_goes_before_the_refusals_of_a_flood(autojump_clock, command):
    options = GatewayOptions(queue_max=1)
    async with open_world(agent=twenty_parts, platform=slow(), options=options) as world:
        for n in range(30):
            world.platform.push(world.platform.message("u1", f"hi {n}"))
        await world.until(seconds=4.5)
        await world.say("u1", command)
        await world.settle()
        assert next(call[0] for call in calls(world, op="send") if call[2] == "reply") == 5.0


async def test_status_and_stop_are_answered_while_a_model_hangs(world):
    world.model.script(hangs("thinking"))
    await world.say("u1", "hi")
    await world.until(seconds=3)
    await world.say("u1", "/status")
    assert "Turn 1 is running" in await world.reply("u1")
    assert world.now == 3
    await world.say("u1", "/stop")
    assert (await world.reply("u1")) in ("Stopped.", "thinking\n\n(stopped)")
    assert world.now == 3
    await world.settle()
    assert "Stopped." in world.platform.texts("u1")


async def says_then_asks(turn):
    await turn.say("This is the plan.")
    return await turn.ask("Shall I?")


@pytest.mark.parametrize("delay_s", [0.0, 1.0])
async def test_a_question_follows_what_its_turn_has_said_before_it(autojump_clock, delay_s):
    async with open_world(agent=says_then_asks, platform=MemoryPlatform(delay_s=delay_s)) as world:
        await world.say("u1", "hi")
        await world.until(seconds=10)
        assert shown(world) == ["This is the plan.", "Shall I?"]


async def says_then_fails(turn):
    await turn.say("This is the plan.")
    await turn.say("This is the rest.")
    raise RuntimeError


@pytest.mark.world(agent=says_then_fails, platform=MemoryPlatform(delay_s=1.0))
async def test_so_does_the_notice_that_it_failed(world):
    await world.say("u1", "hi")
    await world.settle()
    assert shown(world)[:2] == ["This is the plan.", "This is the rest."]
    assert shown(world)[2].startswith("Something went wrong")


async def asks_one_and_answers_another(turn):
    if turn.text == "ask":
        return await turn.ask("Well?")
    return "\n\n".join(PARTS)


async def test_another_sessions_question_goes_between_the_parts_of_an_answer(autojump_clock):
    async with open_world(agent=asks_one_and_answers_another, platform=slow()) as world:
        await world.say("ann", "talk", chat="g", group=True)
        await world.until(seconds=4.5)
        await world.say("bob", "ask", chat="g", group=True)
        await world.until(seconds=30)
        texts = shown(world, "g")
        assert texts.index("Well?") == 5
        assert [t for t in texts if t != "Well?"] == PARTS


async def test_finals_stay_in_the_order_of_their_turns(autojump_clock):
    async with open_world(agent=twenty_parts, platform=slow()) as world:
        await world.say("u1", "one")
        await world.say("u1", "/queue two")
        await world.settle()
        finals = [text.strip() for _, said, text in made(world) if said == "final"]
        assert finals == PARTS + PARTS


async def test_threads_of_a_chat_and_chats_of_an_account_do_not_wait_for_one_another(autojump_clock):
    async with open_world(agent=twenty_parts, platform=slow()) as world:
        places = [("g", None), ("g", "7"), ("h", None)]
        for chat, thread in places:
            await world.say("u1", "hi", chat=chat, thread=thread, group=True)
        await world.settle()
        assert world.now == 20
        for chat, thread in places:
            assert shown(world, chat, thread) == PARTS


async def streams(turn):
    turn.stream("half")
    await trio.sleep(2)
    return "half and whole"


async def test_every_call_carries_the_thread_it_came_from(autojump_clock):
    async with open_world(agent=streams) as world:
        await world.say("u1", "hi", chat="g", thread="7", group=True)
        await world.until(seconds=1)
        await world.say("u1", "more", chat="g", thread="7", group=True)
        await world.say("u1", "/status", chat="g", thread="7", group=True)
        await world.settle()
        assert len(world.platform.calls) > 5
        assert {c.delivery.address.thread for c in world.platform.calls} == {"7"}


@pytest.mark.parametrize("reply_to", ["off", "first", "all"])
async def test_which_parts_answer_their_message_visibly(autojump_clock, reply_to):
    platform = MemoryPlatform(capabilities=capabilities(text_max=120))
    platform.policy = type(platform.policy)(allow_users=("*",), reply_to=reply_to)

    async def three(turn):
        turn.stream("x")
        await trio.sleep(2)
        return "\n\n".join(PARTS[:3])

    async with open_world(agent=three, platform=platform) as world:
        message = await world.say("u1", "hi", chat="g", group=True)
        await world.settle()
        answered = [seen.reply_to == message.message_id for seen in platform.seen.values()]
        assert answered == {"off": [False] * 3, "first": [True, False, False], "all": [True] * 3}[reply_to]
