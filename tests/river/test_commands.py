"""Slash commands: they never wait for a turn, take effect once, and stand in the order of arrival."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, hangs, open_world
from hermes_trio.values import Policy
from hermes_trio.wishes import Prompt, Reset, Say, Stop

from .invariants import check


class ACommand:
    """A command made of one function of the call."""

    def __init__(self, name, run, role="user"):
        self.names = (name,)
        self.help = f"the {name} of a test"
        self.role = role
        self._run = run
        self.calls = 0

    async def run(self, call):
        self.calls += 1
        return await self._run(call)


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


def with_commands(*more, **kw):
    """Marks a test whose world has these commands beside the installed ones."""
    from hermes_trio.plugins import installed_commands

    return pytest.mark.world(commands=[*installed_commands(), *more], **kw)


async def slow(turn):
    await trio.sleep(10)
    return f"re: {turn.text}"


# --- while a turn runs


@pytest.mark.parametrize("command", ["/status", "/stop", "/new", "/help", "/nonsense"])
async def test_a_command_is_answered_at_once_while_the_model_hangs(world, command):
    world.model.script(hangs("thinking", between_s=1))
    await world.say("ada", "work")
    await world.until(seconds=60)
    await world.say("ada", command)
    while not world.texts("ada", "reply"):
        await world.platform.changed()
    assert world.now - 60 < 2


async def test_stop_and_new_answer_while_a_tool_refuses_to_die(autojump_clock):
    async def stubborn(turn):
        with trio.CancelScope(shield=True):
            await trio.sleep(99)

    for command in ("/stop", "/new"):
        async with open_world(stubborn) as world:
            await world.say("ada", "work")
            await world.until(seconds=1)
            await world.say("ada", command)
            await world.until(seconds=1.1)
            assert world.texts("ada", "reply") == [{"/stop": "Stopped.", "/new": "New session."}[command]]


# --- /new


@pytest.mark.world(agent=slow)
async def test_new_supersedes_only_what_came_before_it(world):
    for word in ("running", "waiting"):
        await world.say("ada", word)
        await world.until(seconds=world.now + 1)
    world.crash()
    for word in ("late", "/new", "after"):
        await world.say("ada", word)
    await world.start()
    await world.settle()
    assert await world.outcomes() == ["superseded", "superseded", "superseded", "answered", "answered"]
    assert world.texts("ada", "final") == ["re: after"]
    check(world)


async def test_after_new_nothing_of_the_old_session_is_seen(world):
    for word in ("one", "/new", "two"):
        await world.say("ada", word)
        await world.settle()
    assert [entry.text for entry in world.model.requests[-1].entries] == ["two"]


async def test_new_and_the_next_message_in_one_batch(world):
    world.model.script(hangs())
    await world.say("ada", "old")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.say("ada", "fresh")
    await world.settle()
    assert await world.outcomes() == ["superseded", "answered", "answered"]
    assert [entry.text for entry in world.model.requests[-1].entries] == ["fresh"]


async def test_new_with_nothing_before_it(world):
    await world.say("ada", "/new")
    assert await world.reply("ada") == "New session."
    await world.settle()
    check(world)


@pytest.mark.world(agent=slow)
async def test_new_ends_the_session_of_its_own_key_only(world):
    for user in ("ada", "bob"):
        await world.say(user, "work")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.settle()
    assert world.texts("bob", "final") == ["re: work"]


# --- /stop


@pytest.mark.world(agent=slow)
async def test_stop_keeps_what_waits_and_counts_it(world):
    for word in ("one", "two", "three"):
        await world.say("ada", word)
        await world.until(seconds=world.now + 1)
    await world.say("ada", "/stop")
    await world.settle()
    assert world.texts("ada", "reply") == ["Stopped. 2 messages are still to come."]
    assert await world.outcomes() == ["stopped", "answered", "answered", "answered"]
    assert world.texts("ada", "final") == ["re: two\nthree"]
    check(world)


async def test_stop_with_nothing_running_says_so(world):
    await world.say("ada", "/stop")
    assert await world.reply("ada") == "Nothing is running."


@pytest.mark.world(agent=slow)
async def test_stop_twice_stops_two_turns(world):
    for word in ("one", "two"):
        await world.say("ada", word)
        await world.until(seconds=world.now + 1)
    await world.say("ada", "/stop")
    await world.until(seconds=world.now + 1)
    await world.say("ada", "/stop")
    await world.settle()
    assert world.texts("ada", "reply") == ["Stopped. 1 message is still to come.", "Stopped."]
    assert await world.outcomes() == ["stopped", "stopped", "answered", "answered"]
    check(world)


# --- order


async def slow_command(call):
    await trio.sleep(5)
    return Say("slow is done")


@with_commands(ACommand("slow", slow_command))
async def test_nothing_behind_an_unsettled_command_is_claimed(world):
    await world.say("ada", "before")
    await world.say("ada", "/slow")
    await world.say("ada", "behind")
    await world.until(seconds=4)
    assert world.texts("ada", "final") == ["you said: before"]
    await world.settle()
    assert world.texts("ada", "final") == ["you said: before", "you said: behind"]
    assert world.now == 5
    check(world)


@with_commands(ACommand("slow", slow_command))
async def test_commands_of_a_key_run_in_order_and_those_of_others_beside(world):
    await world.say("ada", "/slow")
    await world.say("ada", "/stop")
    await world.say("bob", "/stop")
    await world.settle()
    assert world.texts("ada", "reply") == ["slow is done", "Nothing is running."]
    bob = next(call for call in world.platform.calls if call.delivery.address.chat == "bob")
    assert bob.at == 0


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


# --- roles


ADMINS = MemoryPlatform(policy=Policy(allow_users=("ada", "bob"), admins=("eve",)))


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


# --- exactly once, across crashes


@pytest.mark.parametrize("command", ["/new", "/stop", "/queue later", "/status"])
async def test_a_command_takes_effect_once_wherever_the_process_dies(autojump_clock, command):
    for step in range(24):
        async with open_world(slow, commit_s=0.002, seed=step) as world:
            await world.say("ada", "work")
            await world.until(seconds=1)
            await world.say("ada", command)
            await world.until(seconds=1 + step * 0.0005)
            world.crash()
            await world.start()
            await world.until(seconds=60)
            check(world)
            rows = await world.ledger()
            assert rows[1].outcome == "answered", world.timeline()
            said = [seen for seen in world.shown("ada") if seen.said == "reply"]
            assert len(said) <= 2, world.timeline()
            expected = {"/new": ("superseded",), "/stop": ("stopped",)}.get(command, ("answered",))
            assert rows[0].outcome in expected, world.timeline()


async def test_unsettled_commands_run_at_boot_before_any_resume(autojump_clock):
    async with open_world(slow) as world:
        await world.say("ada", "work")
        await world.until(seconds=1)
        world.crash()
        world.platform.push(world.platform.message("ada", "/stop"))
        await leave_unsettled(world)
        await world.start()
        await world.settle()
        assert await world.outcomes() == ["stopped", "answered"]
        assert world.texts("ada", "final") == []
        assert len(world.lines("turn opened")) == 1
        check(world)


async def test_a_command_at_boot_that_ends_nothing_does_not_resume_before_the_verdict(autojump_clock):
    async with open_world(slow) as world:
        await world.say("ada", "work")
        await world.until(seconds=1)
        world.crash()
        world.platform.push(world.platform.message("ada", "/status"))
        await leave_unsettled(world)
        await world.start(resume=False)
        await world.settle()
        assert await world.outcomes() == ["failed", "answered"]
        assert len(world.lines("turn opened")) == 1
        check(world)


async def leave_unsettled(world) -> None:
    """What a crash leaves: the update is durable and confirmed, its command is not settled."""
    from hermes_trio.pure.routing import decide
    from hermes_trio.store_port import AcceptRules
    from hermes_trio.stores import intake
    from hermes_trio.stores.tx import Tx

    platform = world.platform
    for message in platform._updates[platform._confirmed :]:
        decided = decide(message, platform.policy, "user", platform.traits)
        intake.accept(Tx(world.db, 1, world.clock.now()), "memory/main", [decided], None, AcceptRules())
    platform._confirmed = len(platform._updates)


# --- a store that cannot commit


class FillsTheDisk:
    """The moment it is decided that the session ends, nothing can be written any more."""

    names = ("cc",)
    help = "a reset of a test"
    role = "user"

    def __init__(self, how):
        self.how = how
        self.world = None
        self.calls = 0

    async def run(self, call):
        self.calls += 1
        if self.calls == 1:
            if self.how == "fails":
                self.world.db.execute("pragma query_only = 1")
            else:
                self.world.life.store.commit_s = 60.0
        return Reset("asked")


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_reset_that_cannot_be_committed_in_two_seconds_cancels_the_turn_and_follows_later(
    autojump_clock, how
):
    cut = []

    async def agent(turn):
        if turn.text != "work":
            return f"re: {turn.text}"
        try:
            await trio.sleep_forever()
        finally:
            cut.append(trio.current_time())

    fills = FillsTheDisk(how)
    async with open_world(
        agent, commands=[fills], options=GatewayOptions(progress_every_s=0), seed=3
    ) as world:
        fills.world = world
        await world.say("ada", "work")
        await world.until(seconds=10)
        began = trio.current_time()
        await world.say("ada", "/cc")
        await world.until(seconds=13)
        assert cut == [pytest.approx(began + 2.0, abs=0.01)]
        assert world.texts("ada") == [
            "I stopped what was running. The new session follows as soon as my storage works again."
        ]
        assert world.db.execute("select state from turn").fetchall() == [("running",)]
        await world.until(seconds=20)
        world.db.execute("pragma query_only = 0")
        world.life.store.commit_s = 0.0
        await world.until(seconds=300)
        await world.say("ada", "hello")
        await world.settle()
        assert await world.outcomes() == ["superseded", "answered", "answered"]
        assert world.texts("ada")[1:] == ["New session.", "re: hello"]
        assert fills.calls == 1
        assert len(cut) == 1
        check(world)


async def test_a_reset_that_is_committed_in_time_says_nothing_more(world):
    world.model.script(hangs())
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.until(seconds=30)
    assert world.texts("ada", "reply") == ["New session."]
    assert len(world.shown("ada")) == 1
