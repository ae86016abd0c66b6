"""Commands of one's own: what they may wish, who may call them, and that none wedges its key."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.testing import MemoryPlatform, hangs, open_world
from hermes_trio.values.actions import Prompt, Reset, Say, Stop
from hermes_trio.values.identity import Policy
from tests.intake.own_commands import ACommand, with_commands
from tests.invariants.at_rest import check


def returns(value):
    async def run(call):
        return value

    return run


def raises(error):
    async def run(call):
        raise error

    return run


async def never(call):
    await trio.sleep_forever()


# --- unknown, failing, hanging


@pytest.mark.parametrize(
    ("word", "answer"),
    [
        ("/statu", "I do not know /statu. Did you mean /status?"),
        ("/NEW2", "I do not know /new2. Did you mean /new?"),
        ("/new@other_bot", "I do not know /new@other_bot. Did you mean /new?"),
        ("/xyzzy@other_bot", "I do not know /xyzzy@other_bot. /help lists what I know."),
        ("/xyzzy now", "I do not know /xyzzy. /help lists what I know."),
    ],
)
async def test_an_unknown_command_gets_the_nearest_known_one_and_never_reaches_the_model(world, word, answer):
    await world.say("ada", word)
    assert await world.reply("ada") == answer
    await world.settle()
    assert world.model.requests == []
    assert await world.outcomes() == ["answered"]


@pytest.mark.parametrize(
    "run",
    [raises(ValueError("secret detail")), raises(ExceptionGroup("two", [ValueError("x"), KeyError("y")]))],
)
async def test_a_command_that_raises_is_failed_with_one_sentence_and_the_queue_goes_on(autojump_clock, run):
    async with open_world(commands=[ACommand("bad", run)]) as world:
        await world.say("ada", "/bad")
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada", "reply") == ["That command failed. The log has the details."]
        assert [(row.outcome, row.reason) for row in await world.ledger()] == [
            ("failed", "command failed"),
            ("answered", ""),
        ]


@pytest.mark.parametrize("value", [None, "a text", 7, ("answered", "x", "y"), b"bytes"])
async def test_a_command_that_returns_what_is_no_wish_is_failed_and_run_once(autojump_clock, value):
    bad = ACommand("bad", returns(value))
    async with open_world(commands=[bad]) as world:
        await world.say("ada", "/bad")
        await world.settle()
        assert world.texts("ada", "reply") == ["That command failed. The log has the details."]
        assert await world.outcomes() == ["failed"]
        assert bad.calls == 1


class UnableToSplit(MemoryPlatform):
    """An adapter with a defect: some texts make it raise."""

    def split(self, text):
        if "poison" in text:
            raise ValueError("a defect of the adapter")
        return super().split(text)


@with_commands(ACommand("poison", returns(Say("poison"))), platform=UnableToSplit())
async def test_a_reply_that_cannot_be_said_does_not_wedge_the_key(world):
    await world.say("ada", "/poison")
    await world.say("ada", "hello")
    await world.settle()
    assert world.texts("ada", "reply") == ["That command failed. The log has the details."]
    assert await world.outcomes() == ["failed", "answered"]


@with_commands(ACommand("prompt", returns(Prompt("lone \ud800 one"))))
async def test_a_wish_that_cannot_be_written_does_not_wedge_the_key(world):
    await world.say("ada", "/prompt")
    await world.say("ada", "hello")
    await world.settle()
    assert await world.outcomes() == ["failed", "answered"]


@with_commands(ACommand("surrogate", returns(Say("lone \ud800 one"))))
async def test_a_reply_that_is_no_unicode_is_said_without_what_is_none(world):
    await world.say("ada", "/surrogate")
    await world.settle()
    assert world.texts("ada", "reply") == ["lone \ufffd one"]


@with_commands(ACommand("hang", never))
async def test_a_command_that_hangs_is_failed_after_ten_seconds(world):
    await world.say("ada", "/hang")
    assert await world.reply("ada") == "That command failed. The log has the details."
    assert world.now == 10
    assert (await world.ledger())[0].outcome == "failed"


ADMINS = MemoryPlatform(policy=Policy(allow_users=("ada", "bob"), admins=("eve",)))


# --- roles


@with_commands(
    ACommand("secret", returns(Say("done")), role="admin"),
    platform=MemoryPlatform(policy=Policy(allow_users=("ada",), admins=("eve",))),
)
async def test_an_admin_command_is_refused_to_anybody_else(world):
    await world.say("ada", "/secret")
    assert await world.reply("ada") == "This command is for admins."
    await world.say("eve", "/secret")
    assert await world.reply("eve") == "done"
    await world.say("mallory", "/secret")
    await world.settle()
    assert [(row.outcome, row.reason) for row in await world.ledger()] == [
        ("refused", "not an admin"),
        ("answered", ""),
        ("dropped", "allow_users"),
    ]
    assert world.shown("mallory") == []
    await world.say("ada", "/help")
    await world.say("eve", "/help")
    assert "/secret" not in await world.reply("ada")
    assert "/secret" in await world.reply("eve")


# --- what a user's own command may wish


@with_commands(ACommand("cc", returns(Reset("compacted"))))
async def test_a_users_command_may_reset(world):
    world.model.script(hangs())
    await world.say("ada", "old")
    await world.until(seconds=1)
    await world.say("ada", "/cc")
    await world.say("ada", "new")
    await world.settle()
    assert await world.outcomes() == ["superseded", "answered", "answered"]
    assert [line["why"] for line in world.lines("reset")] == ["compacted"]
    check(world)


@with_commands(ACommand("halt", returns(Stop())))
async def test_a_users_command_may_stop(world):
    world.model.script(hangs())
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "/halt")
    await world.settle()
    assert world.texts("ada", "reply") == ["Stopped."]
    assert await world.outcomes() == ["stopped", "answered"]


@with_commands(ACommand("hi", returns(Prompt("say hi to everybody"))))
async def test_a_users_command_may_prompt(world):
    await world.say("ada", "/hi")
    await world.settle()
    assert world.texts("ada", "final") == ["you said: say hi to everybody"]
    assert await world.outcomes() == ["answered"]


async def sees(call):
    view = await call.session()
    return Say(f"{call.name}|{call.text}|{call.address.user}|{call.admin}|{view and view.waiting}")


@with_commands(ACommand("sees", sees))
async def test_what_a_command_is_told(world):
    await world.say("ada", "/Sees  some  text ")
    assert await world.reply("ada") == "sees|some  text|ada|False|None"
    await world.say("ada", "hello")
    await world.reply("ada")
    await world.say("ada", "/sees")
    assert await world.reply("ada") == "sees||ada|False|0"
