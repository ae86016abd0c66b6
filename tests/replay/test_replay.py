"""A recorded conversation runs again as it ran: what was said, what became of it, what was kept."""

from __future__ import annotations

import msgspec
import pytest

from hermes_trio import Policy
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.errors import AgentError
from hermes_trio.testing import MemoryPlatform, RecordingTool, fails, hangs, open_world, text, tool
from hermes_trio.testing.replay import Diverged, NoSuchStep, decode_recording, open_replay, recording_of
from hermes_trio.text.recording import PARTS, written
from hermes_trio.tools.process import tool as process
from tests.agent.questions import buttons
from tests.agent.test_tool_asks import Deletes

FINAL = ("send", "final")


async def otherwise(world, session=1, **how):
    """What is otherwise when a session of this world runs again."""
    async with open_replay(recording_of(world, session), **how) as replay:
        await replay.finished()
        return [str(one) for one in replay.differences()]


async def test_a_conversation_with_a_tool_runs_again_at_the_same_times_and_no_tool_is_run(autojump_clock):
    act = RecordingTool("act", after_s=2)
    async with open_world(tools=[act]) as world:
        world.model.script(tool("act", say="Let me see."), text("Done.", after_s=3))
        await world.say("ada", "do it")
        await world.reply("ada")
        await world.until(seconds=60)
        await world.say("ada", "thanks")
        await world.reply("ada")
        await world.settle()
        recording = recording_of(world, 1)
        finals = [call for call in world.platform.calls if (call.delivery.op, call.delivery.said) == FINAL]
        times = [call.at for call in finals]
    async with open_replay(recording) as replay:
        await replay.finished()
        assert replay.differences() == []
        finals = [call for call in replay.platform.calls if (call.delivery.op, call.delivery.said) == FINAL]
        again = [call.at for call in finals]
        assert again == pytest.approx(times, abs=1e-4)
    assert len(act.effects) == 1


async def test_a_sleep_over_a_crash_sleeps_as_long(autojump_clock):
    async with open_world() as world:
        world.model.script(tool("sleep", s=3600), text("Time for tea."))
        await world.say("ada", "remind me in an hour")
        await world.until(minutes=30)
        world.crash()
        await world.until(minutes=40)
        await world.start()
        assert await world.reply("ada") == "Time for tea."
        await world.settle()
        recording = recording_of(world, 1)
    async with open_replay(recording) as replay:
        await replay.until(minutes=50)
        assert await replay.reply("ada") == "Time for tea."
        assert replay.now == pytest.approx(3600, abs=1e-4)
        await replay.finished()
        assert replay.boots == 2
        assert replay.differences() == []


@pytest.mark.parametrize("crashes", [False, True])
async def test_a_tool_that_asked_asks_again_and_is_not_run(autojump_clock, crashes):
    tools = [Deletes(choices=("yes", "no"))]
    async with open_world(tools=tools) as world:
        world.model.script(tool("delete"), text("Gone."))
        await world.say("ada", "clean up")
        await world.until(seconds=50)
        if crashes:
            world.crash()
            await world.start()
            await world.until(seconds=60)
        await world.say("ada", "", choice=buttons(world)[0]["yes"])
        await world.settle()
        assert await otherwise(world) == []
        assert len(tools[0].effects) == 2


async def test_a_turn_that_failed_fails_again_in_the_same_words(autojump_clock):
    async with open_world(options=GatewayOptions(turn_deadline_s=30)) as world:
        world.model.script(*[fails("overload")] * 3, hangs("I think"), *[fails("quota")] * 3)
        for words in ("one", "two", "three"):
            await world.say("ada", words)
            await world.reply("ada")
        await world.settle()
        assert await world.outcomes() == ["failed"] * 3
        errors = [turn.error for turn in recording_of(world, 1).turns]
        assert [(error.type, error.kind) for error in errors] == [
            ("ModelFailed", "overload"),
            ("TurnTimedOut", None),
            ("ModelFailed", "quota"),
        ]
        assert await otherwise(world) == []


async def test_a_message_that_was_kept_for_a_key_is_kept_and_answered_when_it_was(autojump_clock):
    async with open_world(keys=["a"], on_exhausted="defer") as world:
        world.model.refuse("a", line=fails("quota"))
        await world.say("ada", "hello")
        assert "Your message is kept" in await world.reply("ada")
        await world.until(seconds=185)
        world.model.heal()
        await world.say("bob", "me too")
        await world.reply("ada")
        await world.settle()
        assert await otherwise(world) == []


async def test_what_a_program_told_the_conversation_is_told_again_and_no_program_is_started(autojump_clock):
    admin = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
    async with open_world(tools=[process], platform=admin) as world:
        world.processes.script("make", prints=[(5, "built\n")], ends_s=30)
        world.model.script(tool("process", action="start", command="make"), text("Started."), text("Built."))
        await world.say("ada", "build it")
        assert await world.reply("ada") == "Started."
        assert await world.reply("ada") == "Built."
        await world.settle()
        recording = recording_of(world, 1)
    async with open_replay(recording) as replay:
        await replay.finished()
        assert replay.differences() == []
        assert replay.processes.started == []


async def test_a_session_that_a_rule_ended_and_the_next_run_again(autojump_clock):
    async with open_world(session=SessionOptions(reset="idle", idle_after_s=600)) as world:
        await world.say("ada", "one")
        await world.reply("ada")
        await world.until(minutes=30)
        await world.say("ada", "two")
        await world.settle()
        assert await otherwise(world, 1) == []
        assert await otherwise(world, 2) == []


async def test_what_a_session_waits_for_at_its_end_waits_in_the_replay_too(autojump_clock):
    async with open_world() as world:
        world.model.script(tool("sleep", s=600))
        await world.say("ada", "wait")
        await world.until(minutes=1)
        await world.say("ada", "and this?")
        await world.until(minutes=2)
        recording = recording_of(world, 1)
        assert [one.outcome for one in recording.messages] == [None, None]
    async with open_replay(recording) as replay:
        await replay.finished()
        assert replay.differences() == []
        assert replay.gateway is not None


async def bakery(turn):
    """A bot of one's own: a question in a group, steps beside each other, one of which fails."""
    city = await turn.ask("Which city?", choices=["Bremen", "Riga"])
    await turn.say(f"{city}, then.")
    await turn.sleep(90)
    dice, now = await turn.random(), await turn.now()
    try:
        await turn.step("fetch", fetch, city)
    except ConnectionError as error:
        return f"{city}: {error} ({dice:.6f}, {now:.3f})"


async def fetch(city):
    raise ConnectionError(f"no route to {city}")


async def test_a_bot_of_ones_own_runs_again_with_its_questions_chance_and_failures(autojump_clock):
    async with open_world(bakery, seed=3) as world:
        where = {"chat": "group", "group": True}
        for user in ("bob", "ada"):
            await world.say(user, "weather?", **where)
            assert await world.reply("group") == "Which city?"
        for user, seen in zip(("bob", "ada"), world.shown("group"), strict=True):
            await world.until(seconds=world.now + 7)
            await world.say(user, f"{user} lives in Riga", replies_to=seen.message_id, **where)
        await world.until(minutes=1)
        world.crash()
        await world.start()
        await world.settle()
        for session in (1, 2):
            assert await otherwise(world, session, agent=bakery) == []


async def test_a_function_that_asks_otherwise_diverges_and_says_where(autojump_clock):
    async def before(turn):
        return await turn.step("greet", greet, turn.text)

    async def louder(turn):
        return await turn.step("greet", greet, turn.text.upper())

    async def twice(turn):
        await turn.step("greet", greet, turn.text)
        return await turn.step("greet", greet, turn.text)

    async def greet(words):
        return f"{words}, indeed"

    async with open_world(before) as world:
        await world.say("ada", "hello")
        await world.reply("ada")
        await world.settle()
        recording = recording_of(world, 1)
    said = "turn 1, step 'greet' call 1: it was recorded with other arguments than"
    for agent, why in ((louder, said), (twice, "turn 1, step 'greet' call 2: it is not recorded")):
        async with open_replay(recording, agent=agent) as replay:
            with pytest.raises(Diverged, match=why):
                await replay.finished()
            assert replay.differences() != []
    async with open_replay(recording, agent=before) as replay:
        await replay.finished()
        assert replay.differences() == []


async def test_what_is_otherwise_is_named(autojump_clock):
    async with open_world() as world:
        await world.say("ada", "hello")
        await world.reply("ada")
        await world.settle()
        recording = recording_of(world, 1)
    [message] = recording.messages
    other = msgspec.structs.replace(message, outcome="stopped")
    async with open_replay(msgspec.structs.replace(recording, messages=(other,))) as replay:
        await replay.finished()
        [one] = replay.differences()
        assert str(one).startswith("message in1: recorded ('message', 1, None, 'stopped', ''), now")


async def recorded_act(act):
    async with open_world(tools=[act]) as world:
        world.model.script(tool("act", n=1), text("One."))
        await world.say("ada", "go")
        await world.reply("ada")
        await world.settle()
        return recording_of(world, 1)


async def test_from_a_step_on_the_model_is_asked_and_tools_give_what_was_recorded_or_are_refused(
    autojump_clock,
):
    act = RecordingTool("act", "acted")
    recording = await recorded_act(act)
    async with open_replay(recording, tools=[act], from_step=3) as replay:
        replay.model.script(tool("act", n=1), tool("act", n=2), text("Other."))
        await replay.finished()
        assert await replay.reply("ada") == "Other."
        results = [entry.text for entry in replay.model.requests[-1].entries if hasattr(entry, "call")]
        assert results[:2] == ["acted", "acted"]
        assert "This is a replay: 'act' is not run" in results[2]
    assert len(act.effects) == 1
    async with open_replay(recording, tools=[act], run_tools=["act"], from_step=3) as replay:
        replay.model.script(tool("act", n=2), text("Other."))
        await replay.finished()
    assert [effect.arguments for effect in act.effects] == [{"n": 1}, {"n": 2}]


async def test_a_crashed_conversation_goes_on_where_its_recording_ends(autojump_clock):
    async with open_world() as world:
        world.model.script(tool("now"), hangs())
        await world.say("ada", "what time is it?")
        await world.until(seconds=10)
        world.crash()
        await world.until(seconds=20)
        recording = recording_of(world, 1)
        assert not recording.running
    async with open_replay(recording) as replay:
        await replay.finished()
        assert replay.differences() == []
    async with open_replay(recording, from_step=len(recording.steps) + 1) as replay:
        replay.model.script(text("It is late."))
        await replay.finished()
        assert await replay.reply("ada") == "It is late."
    with pytest.raises(NoSuchStep, match="no step 5: there are 3, and 4 is a new one"):
        async with open_replay(recording, from_step=5):
            pass


async def test_a_step_of_a_function_that_is_new_is_refused_unless_it_is_named(autojump_clock):
    async def once(turn):
        return await turn.step("pay", pay, 1)

    async def twice(turn):
        await turn.step("pay", pay, 1)
        try:
            return await turn.step("pay", pay, 2)
        except AgentError as refused:
            return str(refused)

    paid = []

    async def pay(amount):
        paid.append(amount)
        return f"paid {amount}"

    async with open_world(once) as world:
        await world.say("ada", "pay")
        await world.reply("ada")
        await world.settle()
        recording = recording_of(world, 1)
    async with open_replay(recording, agent=twice, from_step=2) as replay:
        await replay.finished()
        assert "'pay' is not run" in await replay.reply("ada")
    assert paid == [1]
    async with open_replay(recording, agent=twice, from_step=2, run_tools=["pay"]) as replay:
        await replay.finished()
        assert await replay.reply("ada") == "paid 2"
    assert paid == [1, 2]


async def test_what_comes_while_it_is_written_out_is_not_in_it(autojump_clock):
    async with open_world() as world:
        world.model.script(text("One."), tool("sleep", s=60), text("Two."))
        await world.say("ada", "one")
        await world.reply("ada")
        await world.until(seconds=10)
        await world.say("ada", "two")
        await world.until(seconds=30)
        head = await world.gateway.recording_head(1)
        await world.until(minutes=5)
        await world.say("ada", "three")
        await world.settle()
        pages = {part: iter([await world.gateway.recording_rows(head, part)]) for part in PARTS}
        recording = decode_recording(b"".join(written(head, pages)))
    assert [(one.message.text, one.outcome) for one in recording.messages] == [
        ("one", "answered"),
        ("two", None),
    ]
    assert [turn.state for turn in recording.turns] == ["finished", "running"]
    assert [step.state for step in recording.steps if step.turn == 2] == ["done", "intent"]
    assert [part.text for part in recording.said] == ["One."]
    async with open_replay(recording) as replay:
        await replay.finished()
        assert replay.differences() == []


async def test_a_recording_of_a_store_that_did_not_keep_all_of_it_runs_again(autojump_clock):
    async with open_world() as world:
        world.model.script(tool("now"), tool("sleep", s=60), text("It is late."))
        await world.say("ada", "what time is it?")
        await world.until(seconds=30)
        world.crash()
        await world.start()
        await world.settle()
        recording = recording_of(world, 1)

    def older(row, **gone):
        return msgspec.structs.replace(row, **gone)

    recording = msgspec.structs.replace(
        recording,
        boots=tuple(older(boot, setup=None) for boot in recording.boots),
        steps=tuple(older(step, begun_at=None) for step in recording.steps),
        said=tuple(older(part, begun_at=None) for part in recording.said),
    )
    async with open_replay(recording) as replay:
        await replay.finished()
        assert replay.differences() == []


async def test_a_button_that_is_pressed_at_once_answers_its_question_again(autojump_clock):
    async def agent(turn):
        return await turn.ask("Sure?", choices=["yes"], timeout_s=60)

    async with open_world(agent) as world:
        await world.say("ada", "7")
        await world.press("ada", "yes")
        await world.settle()
        recording = recording_of(world, 1)
    async with open_replay(recording, agent=agent) as replay:
        await replay.finished()
        assert replay.differences() == []
