"""The interruption count, the session that is set aside, and the way back to it."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.commands.new import command as new
from hermes_trio.commands.queue import command as queue
from hermes_trio.commands.resume import command as resume
from hermes_trio.commands.stop import command as stop
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import hangs, open_world
from hermes_trio.values.transcript import NoteEntry, UserEntry
from tests.invariants.at_rest import check
from tests.scenes import verdicts

COMMANDS = [new, stop, resume, queue]


def interruptions(world) -> list[int]:
    return [n for (n,) in world.db.execute("select interrupted from session order by id")]


def open_sessions(world) -> list[int]:
    return [n for (n,) in world.db.execute("select id from session where ended_at is null order by id")]


async def cut_short(world, after_s: float = 31) -> None:
    """A crash some while into a turn: a process that dies faster is held back, see test_guard.py."""
    await world.until(seconds=world.now + after_s)
    world.crash()


async def kills(turn):
    if turn.text.startswith("poison"):
        await trio.sleep_forever()
    return f"re: {turn.text}"


async def until_suspended(world, chat="ada") -> None:
    await world.say(chat, "poison")
    for _ in range(3):
        await cut_short(world)
        await world.start()
    await world.settle()


# --- the count, one row for each thing that may happen between two starts

CRASH, STOP, IDLE, ANSWERED = "crash", "planned stop", "idle boot", "answered in between"
NOTICE, CHECKPOINT = "notice in between", "checkpoint, then SIGKILL"


async def play(world, event: str) -> None:
    """What happens to a session whose turn runs, ended by the end of a life."""
    await world.until(seconds=world.now + 31)
    match event:
        case "crash":
            world.crash()
        case "planned stop":
            await world.stop()
        case "checkpoint, then SIGKILL":
            await world.gateway.wiring.store.checkpoint("test")
            world.crash()
        case "idle boot":
            await world.say("ada", "/stop")
            await world.until(seconds=world.now + 1)
            world.crash()
            await world.start()
            await world.say("ada", "poison")
            await world.until(seconds=world.now + 1)
            world.crash()
        case "answered in between":
            await world.say("ada", "/stop")
            await world.say("ada", "hello")
            await world.until(seconds=world.now + 1)
            await world.say("ada", "poison")
            await world.until(seconds=world.now + 1)
            world.crash()
        case "notice in between":
            await world.say("ada", "/nonsense")
            await world.until(seconds=world.now + 1)
            world.crash()


@pytest.mark.parametrize(
    ("lives", "counts", "last"),
    [
        ([CRASH], [1], "resume"),
        ([CRASH, CRASH], [1, 2], "resume"),
        ([CRASH, CRASH, CRASH], [1, 2, 3], "stuck"),
        # Planned or not, with a checkpoint or without: one boot is one interruption.
        ([STOP, STOP, STOP], [1, 2, 3], "stuck"),
        ([CHECKPOINT], [1], "resume"),
        ([CHECKPOINT, CHECKPOINT, CHECKPOINT], [1, 2, 3], "stuck"),
        ([CRASH, STOP, CHECKPOINT], [1, 2, 3], "stuck"),
        # What was delivered ends the run; a boot that did not find it running does, too.
        ([CRASH, CRASH, ANSWERED], [1, 2, 1], "resume"),
        ([CRASH, CRASH, IDLE], [1, 2, 1], "resume"),
        ([CRASH, CRASH, ANSWERED, CRASH, CRASH], [1, 2, 1, 2, 3], "stuck"),
        # Anything else that is said does not.
        ([CRASH, CRASH, NOTICE], [1, 2, 3], "stuck"),
    ],
)
async def test_the_interruption_count(autojump_clock, lives, counts, last):
    options = GatewayOptions(drain_timeout_s=1)
    async with open_world(kills, options=options, commands=COMMANDS) as world:
        await world.say("ada", "poison")
        found = []
        for life in lives:
            await play(world, life)
            await world.start()
            found.append(interruptions(world)[0])
        await world.settle() if last == "stuck" else await world.until(seconds=world.now + 1)
        assert found == counts
        assert verdicts(world)[-1] == last
        assert (len(interruptions(world)) == 2) == (last == "stuck")


async def test_of_two_sessions_the_stuck_one_is_set_aside_and_the_other_goes_on(autojump_clock):
    async def agent(turn):
        await trio.sleep(40 if turn.text == "slow" else 1e9)
        return f"re: {turn.text}"

    async with open_world(agent, commands=COMMANDS) as world:
        await world.say("ada", "poison")
        for _ in range(2):
            await cut_short(world)
            await world.start()
        await world.say("bob", "slow")
        await cut_short(world)
        await world.start()
        await world.say("bob", "slow")
        await world.settle()
        assert [(line["key"], line["verdict"]) for line in world.lines("resume verdict")][2:] == [
            ("memory/main/ada", "stuck"),
            ("memory/main/bob", "resume"),
        ]
        assert world.texts("bob", "final")[0].startswith("re: slow")
        check(world)


async def test_a_count_above_a_threshold_that_was_lowered_is_above_it(autojump_clock):
    async with open_world(kills, options=GatewayOptions(stuck_after=10), commands=COMMANDS) as world:
        await world.say("ada", "poison")
        for _ in range(4):
            await cut_short(world)
            if len(verdicts(world)) == 3:
                world.options = GatewayOptions(stuck_after=2)
            await world.until(seconds=world.now + 61)
            await world.start()
        await world.settle()
        assert verdicts(world) == ["resume", "resume", "resume", "stuck"]


# --- set aside, and back


async def test_the_user_is_told_once_and_the_next_message_starts_fresh(autojump_clock):
    async with open_world(commands=COMMANDS) as world:
        world.model.script(*[hangs()] * 3)
        await until_suspended(world)
        assert await world.outcomes() == ["failed"]
        assert len(world.model.requests) == 3
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada") == [
            "I was interrupted 3 times in a row while working on your last message, so I set this"
            " conversation aside. The next message begins a new one; /resume 1 brings this one back.",
            "you said: hello",
        ]
        assert world.model.requests[-1].entries == (UserEntry("hello"),)
        world.crash()
        await world.start()
        await world.settle()
        assert len(world.shown("ada")) == 2
        check(world)


async def test_what_waited_behind_it_is_answered_in_the_new_conversation(autojump_clock):
    async with open_world(commands=COMMANDS) as world:
        world.model.script(*[hangs()] * 3)
        await world.say("ada", "poison")
        await world.until(seconds=1)
        await world.say("ada", "/queue behind")
        for _ in range(3):
            await cut_short(world)
            await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["you said: behind"]
        assert world.model.requests[-1].entries == (UserEntry("behind"),)
        check(world)


@pytest.mark.parametrize("how", ["/resume", "/resume 1", "operator"])
async def test_the_old_conversation_comes_back_and_knows_what_was_cut_short(autojump_clock, how):
    async with open_world(commands=COMMANDS) as world:
        await world.say("ada", "my name is Ada")
        await world.settle()
        world.model.script(*[hangs()] * 3)
        await until_suspended(world)
        await world.say("ada", "hello")
        await world.settle()
        if how == "operator":
            assert await world.gateway.resume(1) == 2
        else:
            await world.say("ada", how)
            await world.settle()
            assert world.shown("ada")[-1].text == "Back in conversation 1."
        assert open_sessions(world) == [1]
        assert interruptions(world) == [0, 0]
        await world.say("ada", "what did I ask?")
        await world.settle()
        last = world.model.requests[-1].entries
        said = [entry.text for entry in last if isinstance(entry, UserEntry)]
        assert said == ["my name is Ada", "poison", "what did I ask?"]
        assert sum(isinstance(entry, NoteEntry) for entry in last) == 1
        check(world)


async def test_resume_goes_back_and_forth_between_the_last_two(autojump_clock):
    async with open_world(commands=COMMANDS) as world:
        for words in ("one", "/new", "two", "/new", "/resume", "a", "/resume 1", "b", "/resume", "c"):
            await world.say("ada", words)
            await world.settle()
        said = [
            [entry.text for entry in request.entries if isinstance(entry, UserEntry)]
            for request in world.model.requests
        ]
        assert said == [["one"], ["two"], ["two", "a"], ["one", "b"], ["two", "a", "c"]]
        check(world)


async def test_a_resume_ends_what_runs_as_a_new_does(autojump_clock):
    async with open_world(commands=COMMANDS) as world:
        await world.say("ada", "one")
        await world.settle()
        await world.say("ada", "/new")
        world.model.script(hangs())
        await world.say("ada", "two")
        await world.until(seconds=1)
        await world.say("ada", "three")
        await world.say("ada", "/resume")
        await world.say("ada", "four")
        await world.settle()
        assert await world.outcomes() == [
            "answered",
            "answered",
            "superseded",
            "superseded",
            "answered",
            "answered",
        ]
        assert world.now == 1
        assert [entry.text for entry in world.model.requests[-1].entries[::2]] == ["one", "four"]
        assert [why for (why,) in world.db.execute("select why from session where id = 2")] == ["resumed 1"]
        check(world)


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        ("/resume", "There is no earlier conversation here to go back to."),
        ("/resume 1", "That is the conversation we are in."),
        ("/resume 2", "You have no conversation 2 here."),
        ("/resume 99999", "You have no conversation 99999 here."),
        ("/resume 0", "You have no conversation 0 here."),
        ("/resume yesterday", "Write /resume, or /resume and the number of a conversation."),
        ("/resume ²", "Write /resume, or /resume and the number of a conversation."),
        (f"/resume {'9' * 30}", "Write /resume, or /resume and the number of a conversation."),
    ],
)
async def test_a_number_that_is_none_of_the_caller_s_is_refused_and_ends_nothing(
    autojump_clock, asked, answer
):
    async with open_world(commands=COMMANDS) as world:
        world.model.script(hangs())
        await world.say("ada", "one")
        await world.until(seconds=1)
        await world.say("bob", "mine")
        await world.say("bob", "/new")
        await world.until(seconds=2)
        await world.say("ada", asked)
        await world.until(seconds=3)
        assert world.texts("ada") == [answer]
        assert len((await world.gateway.status()).running) == 1


async def test_an_operator_resumes_no_session_that_is_open_or_none(autojump_clock):
    async with open_world(kills, commands=COMMANDS) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert await world.gateway.resume(1) is None
        assert await world.gateway.resume(2) is None


async def test_a_crash_at_any_time_around_a_resume_resumes_once(autojump_clock):
    for step in range(30):
        async with open_world(seed=step, commit_s=0.001, commands=COMMANDS) as world:
            for words in ("one", "/new", "two"):
                await world.say("ada", words)
                await world.settle()
            await world.say("ada", "/resume")
            await trio.sleep(step * 0.0003)
            world.crash()
            await world.start()
            await world.settle()
            assert open_sessions(world) == [1]
            assert [seen.text.removesuffix(" ↻") for seen in world.shown("ada")].count(
                "Back in conversation 1."
            ) in (1, 2)
            await world.say("ada", "three")
            await world.settle()
            last = world.model.requests[-1].entries
            assert [entry.text for entry in last if isinstance(entry, UserEntry)] == ["one", "three"]
            check(world)


# --- what ends the count


async def test_every_other_session_is_settled_to_0_at_boot(autojump_clock):
    async with open_world(kills) as world:
        await world.say("ada", "poison")
        await cut_short(world, after_s=1)
        await world.start()
        assert interruptions(world) == [1]
        await world.until(seconds=2)
        await world.say("ada", "/stop")
        await world.until(seconds=3)
        assert interruptions(world) == [1]
        world.crash()
        await world.start()
        assert interruptions(world) == [0]


async def test_only_the_last_part_of_a_finished_final_ends_the_run_of_interruptions(autojump_clock):
    async def agent(turn):
        await turn.say("interim")
        await trio.sleep(10)
        return "word " * 2000

    async with open_world(agent) as world:
        await world.say("ada", "work")
        await cut_short(world, after_s=1)
        await world.start()
        await world.until(seconds=5)
        assert interruptions(world) == [1]
        world.platform.delay_s = 1.0
        await world.until(seconds=12)
        assert len(world.texts("ada", "final")) == 1
        assert interruptions(world) == [1]
        await world.settle()
        assert len(world.texts("ada", "final")) == 3
        assert interruptions(world) == [0]


async def test_a_last_say_counts_as_the_final(autojump_clock):
    async def agent(turn):
        await trio.sleep(5)
        await turn.say("the answer")
        await trio.sleep(5)

    async with open_world(agent) as world:
        await world.say("ada", "work")
        await cut_short(world, after_s=1)
        await world.start()
        await world.settle()
        assert interruptions(world) == [0]


async def test_new_works_with_a_session_that_wedges_every_boot(autojump_clock):
    async with open_world(kills) as world:
        await world.say("ada", "poison")
        await cut_short(world, after_s=1)
        await world.say("ada", "/new")
        await world.say("ada", "hello")
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["re: hello"]
        assert await world.outcomes() == ["superseded", "answered", "answered"]
