"""/restart: one row, one wish, one word when the gateway is back."""

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.text import sentences
from hermes_trio.values.delivery import Capabilities
from hermes_trio.values.identity import Policy
from tests.invariants.at_rest import check
from tests.scenes import slow

ADMINS = Policy(allow_users=("*",), admins=("ada",))


def world_of_admins(**more):
    return open_world(slow, platform=MemoryPlatform(policy=ADMINS), **more)


async def test_a_restart_is_a_wish_of_the_host_and_the_chat_hears_when_it_begins_and_when_it_is_over(
    autojump_clock,
):
    async with world_of_admins() as world:
        await world.say("ada", "/restart")
        await world.settle()
        assert world.restarts_asked == [0]
        assert world.texts("ada") == [sentences.RESTARTING]
        await world.stop()
        assert world.texts("ada") == [sentences.RESTARTING]
        await world.start()
        await world.settle()
        assert world.texts("ada") == [sentences.RESTARTING, sentences.BACK]
        await world.stop()
        await world.start()
        await world.settle()
        assert world.texts("ada") == [sentences.RESTARTING, sentences.BACK]
        assert world.restarts_asked == [0]
        assert await world.outcomes() == ["answered"]
        assert len(world.lines("restart")) == 1
        check(world)


async def test_who_asks_is_not_waited_for_and_what_works_is(autojump_clock):
    async with world_of_admins() as world:
        await world.say("bob", "work")
        await world.until(seconds=1)
        await world.say("ada", "/restart")
        await world.until(seconds=1.5)
        assert world.restarts_asked == [1]
        await world.stop()
        assert world.now == 10
        assert world.texts("bob") == ["re: work"]


async def test_a_redelivered_restart_is_one_row_and_one_restart(autojump_clock):
    async with world_of_admins() as world:
        message = await world.say("ada", "/restart")
        await world.settle()
        await world.stop()
        await world.start()
        for _ in range(3):
            world.platform.push(message)
        await world.settle()
        assert world.restarts_asked == [0]
        assert await world.outcomes() == ["answered"]
        assert world.texts("ada") == [sentences.RESTARTING, sentences.BACK]


async def test_asked_twice_in_one_chat_it_is_back_once(autojump_clock):
    async with world_of_admins() as world:
        for chat in ("ada", "ada", "elsewhere"):
            await world.say("ada", "/restart", chat=chat)
        await world.settle()
        await world.stop()
        await world.start()
        await world.settle()
        assert world.texts("ada").count(sentences.BACK) == 1
        assert world.texts("elsewhere") == [sentences.RESTARTING, sentences.BACK]


async def test_a_sign_of_waiting_is_not_taken_for_what_is_said_when_it_is_back(autojump_clock):
    """The number of the message that waits is that of the row which says so."""
    policy = Policy(allow_users=("ada",), admins=("ada",))
    async with open_world(slow, platform=MemoryPlatform(policy=policy, capabilities=Capabilities())) as world:
        await world.say("ada", "one")
        await world.say("mallory", "let me in")
        await world.until(seconds=0.5)
        await world.say("ada", "two")
        await world.say("ada", "/restart")
        await world.until(seconds=1)
        row = world.db.execute("select id from outbound where state = 'held'").fetchall()
        assert row == world.db.execute("select id from inbound where native = 'in3'").fetchall()
        await world.stop()
        await world.start()
        await world.settle()
        sent = [call.delivery.part.text for call in world.platform.calls if call.delivery.op == "send"]
        assert sent.count(sentences.waiting_line(1)) == 1
        assert sent.count(sentences.BACK) == 1
        check(world)


async def test_it_is_for_admins(autojump_clock):
    async with world_of_admins() as world:
        await world.say("bob", "/restart")
        await world.settle()
        assert world.texts("bob") == [sentences.NOT_ALLOWED]
        assert world.restarts_asked == []


@pytest.mark.parametrize("step", range(24))
async def test_whenever_it_is_killed_it_is_one_restart_and_one_word(autojump_clock, step):
    platform = MemoryPlatform(policy=ADMINS, delay_s=0.002)
    async with open_world(slow, seed=step, platform=platform, commit_s=0.002) as world:
        await world.say("ada", "/restart")
        await trio.sleep(step * 0.0005)
        world.crash()
        await world.start()
        await trio.sleep(step * 0.0005)
        world.crash()
        await world.start()
        await world.settle()
        await world.stop()
        await world.start()
        await world.settle()
        texts_said = [text.removesuffix(" " + sentences.MARK) for text in world.texts("ada")]
        assert set(texts_said) == {sentences.RESTARTING, sentences.BACK}
        assert len(world.texts("ada")) == len(set(world.texts("ada")))
        assert len(world.restarts_asked) <= 1  # a crash in the moment of the wish has fulfilled it
        assert await world.outcomes() == ["answered"]
        check(world)


async def test_asked_while_it_goes_down_already_it_says_when_it_is_back(autojump_clock):
    options = GatewayOptions(drain_timeout_s=5)
    async with world_of_admins(options=options) as world:
        await world.say("bob", "work")
        await world.until(seconds=1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.stop)
            await world.until(seconds=2)
            await world.say("ada", "/restart")
        assert world.texts("ada") == [sentences.GOING_DOWN]
        await world.start()
        await world.settle()
        assert world.texts("ada") == [sentences.GOING_DOWN, sentences.BACK]
