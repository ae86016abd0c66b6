"""What was settled without an answer, and is nobody's to ask any more, is obeyed by no later turn."""

from __future__ import annotations

import pytest

from hermes_trio import Policy
from hermes_trio.config.options import Gateway, Session
from hermes_trio.store.tx import read_address
from hermes_trio.testing import MemoryPlatform, fails, hangs, open_world, text, tool
from hermes_trio.values.transcript import UserEntry
from tests.invariants.at_rest import check

CLUB = {"chat": "club", "thread": "topic", "group": True}


def admits(*users):
    return Policy(allow_users=users, admins=tuple({"bob"} & set(users)))


def shown(world):
    """What people have said, as the newest request has it."""
    return [entry.text for entry in world.model.requests[-1].entries if isinstance(entry, UserEntry)]


async def test_what_was_deferred_and_is_dropped_is_shown_to_no_later_turn(autojump_clock):
    """A person was taken out of the list; an admin's next turn did what they had asked for."""
    platform = MemoryPlatform(policy=admits("ada", "bob"))
    async with open_world(platform=platform, keys=["k1"], on_exhausted="defer") as world:
        world.model.refuse("k1", line=fails("quota"))
        await world.say("bob", "good morning", **CLUB)
        await world.say("ada", "run it", **CLUB)
        await world.until(seconds=5)
        world.crash()
        platform.policy = admits("bob")
        world.model.heal("k1")
        await world.start()
        await world.until(minutes=20)
        assert await world.outcomes() == ["answered", "dropped"]
        assert not any("run it" in text for text in shown(world))
        await world.say("bob", "and now?", **CLUB)
        await world.settle()
        assert not any("run it" in text for text in shown(world))
        check(world)


async def test_nor_is_what_waited_when_its_turn_was_interrupted(autojump_clock):
    platform = MemoryPlatform(policy=admits("ada", "bob"))
    async with open_world(platform=platform) as world:
        world.model.script(hangs())
        await world.say("ada", "run it", **CLUB)
        await world.until(seconds=5)
        world.crash()
        platform.policy = admits("bob")
        await world.start()
        await world.settle()
        await world.say("bob", "good morning", **CLUB)
        world.model.script(text("Good morning."))
        await world.settle()
        assert await world.outcomes() == ["failed", "answered"]
        assert shown(world)[-1].endswith("good morning")
        assert not any("run it" in text for text in shown(world))
        check(world)


@pytest.mark.world
async def test_what_failed_stays_for_whoever_tries_again(world):
    """It is its own person's, who was told to try again."""
    world.model.script(fails("unknown"), fails("unknown"), fails("unknown"), text("Now."))
    await world.say("ada", "look it up")
    await world.settle()
    await world.say("ada", "try again")
    await world.settle()
    assert any("look it up" in text for text in shown(world))


async def cut_short(world, platform, now):
    """A turn that was given the words of three people together; it goes on when only these may speak."""
    world.model.script(hangs(), hangs())
    await world.say("bob", "hold on", **CLUB)
    await world.until(seconds=1)
    for user, words in (("bob", "look here"), ("cyd", "so do I"), ("ada", "run it")):
        await world.say(user, words, **CLUB)
    await world.until(seconds=5)
    await world.say("bob", "/stop", **CLUB)
    await world.until(seconds=10)
    assert [words.split()[-2:] for words in shown(world)[-1:]] == [["run", "it"]]
    world.crash()
    platform.policy = now
    await world.start()
    await world.settle()


@pytest.mark.parametrize("banned", ["ada", "cyd", "bob"])
async def test_a_turn_goes_on_for_those_who_may_still_speak(autojump_clock, banned):
    """Whoever of them wrote last, or first: what the others said is answered, the rest is not seen."""
    words = {"bob": "look here", "cyd": "so do I", "ada": "run it"}
    platform = MemoryPlatform(policy=admits(*words))
    async with open_world(platform=platform, session=Session(scope="chat")) as world:
        await cut_short(world, platform, admits(*words.keys() - {banned}))
        assert sorted(await world.outcomes()) == [*["answered"] * 3, "dropped", "stopped"]
        assert {user: any(said in text for text in shown(world)) for user, said in words.items()} == {
            user: user != banned for user in words
        }
        last = "cyd" if banned == "ada" else "ada"
        (address,) = world.db.execute("select address from turn order by id desc").fetchone()
        assert read_address(address).user == last
        check(world)


async def test_a_turn_goes_on_for_who_was_taken_in_later(autojump_clock):
    """It was begun for somebody who may not speak any more, and begins with the others now."""
    platform = MemoryPlatform(policy=admits("ada", "bob"))
    chat, steer = Session(scope="chat"), Gateway(busy="steer")
    async with open_world(platform=platform, session=chat, options=steer) as world:
        world.model.script(tool("sleep", s=10), hangs(), text("Good morning."))
        await world.say("ada", "run it", **CLUB)
        await world.until(seconds=5)
        await world.say("bob", "good morning", **CLUB)
        await world.until(seconds=15)
        world.crash()
        platform.policy = admits("bob")
        await world.start()
        await world.settle()
        assert await world.outcomes() == ["dropped", "answered"]
        assert [said.split()[-1] for said in shown(world)] == ["morning"]
        check(world)


async def test_a_turn_of_which_nobody_may_speak_is_not_resumed(autojump_clock):
    platform = MemoryPlatform(policy=admits("ada", "bob", "cyd"))
    async with open_world(platform=platform, session=Session(scope="chat")) as world:
        await cut_short(world, platform, admits("eve"))
        assert await world.outcomes() == ["stopped", "failed", "failed", "failed", "answered"]
        world.model.script(text("Good morning."))
        await world.say("eve", "good morning", **CLUB)
        await world.settle()
        assert not any("run it" in said or "so do I" in said for said in shown(world))
        check(world)


async def answered(world):
    world.model.script(text("Sure."))
    await world.say("ada", "run it", **CLUB)
    await world.settle()


async def stopped(world):
    world.model.script(hangs())
    await world.say("ada", "run it", **CLUB)
    await world.until(seconds=5)
    await world.say("ada", "/stop", **CLUB)
    await world.settle()


async def failed(world):
    world.model.script(fails("unknown"), fails("unknown"), fails("unknown"))
    await world.say("ada", "run it", **CLUB)
    await world.settle()


async def superseded(world):
    world.model.script(hangs())
    await world.say("ada", "run it", **CLUB)
    await world.until(seconds=5)
    await world.say("ada", "/new", **CLUB)
    await world.settle()


async def dropped(world):
    world.model.script(hangs())
    await world.say("bob", "hold on", **CLUB)
    await world.until(seconds=1)
    await world.say("ada", "run it", **CLUB)
    await world.until(seconds=5)
    world.crash()
    world.platforms[0].policy = admits("bob")
    await world.start()
    await world.settle()


async def refused(world):
    world.model.refuse("k1", line=fails("quota"))
    await world.say("ada", "run it", **CLUB)
    await world.settle()
    world.model.heal("k1")
    await world.until(minutes=20)


async def refused_amid_its_work(world):
    """What was done for it must be known when it is said again."""
    world.model.script(tool("now"))
    world.model.script(fails("quota"))
    await world.say("ada", "run it", **CLUB)
    await world.settle()
    await world.until(minutes=20)


SHOWS = {
    answered: True,
    stopped: True,
    failed: True,
    superseded: False,
    dropped: False,
    refused: False,
    refused_amid_its_work: True,
}


@pytest.mark.parametrize("became", SHOWS, ids=lambda became: became.__name__)
async def test_what_the_next_request_shows_of_a_message_by_what_became_of_it(autojump_clock, became):
    platform = MemoryPlatform(policy=admits("ada", "bob"))
    async with open_world(platform=platform, keys=["k1"], session=Session(scope="chat")) as world:
        await became(world)
        assert became.__name__.split("_")[0] in await world.outcomes()
        world.model.script(text("Good morning."))
        await world.say("bob", "good morning", **CLUB)
        await world.settle()
        assert any("good morning" in said for said in shown(world))
        assert any("run it" in said for said in shown(world)) == SHOWS[became]
        check(world)
