"""What goes on after a crash and what does not, by the transcript's tail; and what the next turn is told."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import hangs, open_world, text, tool
from hermes_trio.transcript.assembly import UNKNOWN
from hermes_trio.turns.turn import run_of
from hermes_trio.values.transcript import AssistantEntry, ModelAnswer, NoteEntry, ToolEntry, UserEntry
from tests.invariants.at_rest import check
from tests.scenes import cut_short, verdicts


def notes(request) -> list[str]:
    return [entry.text for entry in request.entries if isinstance(entry, NoteEntry)]


class Mail:
    """Sends a mail, and hangs before it says so."""

    name = "mail"
    description = "Send a mail."
    idempotent = False

    def __init__(self) -> None:
        self.parameters = {"type": "object"}
        self.sent: list[str] = []

    async def run(self, arguments, call) -> str:
        self.sent.append(call.op)
        await trio.sleep_forever()
        return "sent"


# --- by the tail


def recording(said: ModelAnswer, after_s: float = 10.0):
    """An agent that records its model's answer as a step of its own, and is slow to return."""
    runs: list[int] = []

    async def agent(turn):
        async def model():
            runs.append(turn.attempt)
            return said

        entry = AssistantEntry(text=said.text, calls=said.calls, finish=said.finish)
        await run_of(turn).steps.run("model", model, type=ModelAnswer, entries=lambda _: [entry])
        await trio.sleep(after_s)
        return f"returned by attempt {turn.attempt}"

    agent.runs = runs
    return agent


async def test_a_final_answer_that_is_in_the_transcript_is_delivered_and_not_made_again(autojump_clock):
    agent = recording(ModelAnswer(text="**42**"))
    async with open_world(agent) as world:
        await world.say("ada", "work")
        await cut_short(world)
        await world.start()
        await world.settle()
        assert verdicts(world) == ["answered"]
        assert world.texts("ada", "final") == ["42"]
        assert agent.runs == [1]
        assert await world.outcomes() == ["answered"]
        assert world.db.execute("select state, attempt from turn").fetchall() == [("finished", 1)]
        check(world)
        world.crash()
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["42"]


async def test_it_is_delivered_however_late_and_however_often_its_session_was_cut(autojump_clock):
    options = GatewayOptions(stuck_after=1)
    async with open_world(recording(ModelAnswer(text="42")), options=options) as world:
        await world.say("ada", "work")
        await cut_short(world, for_s=5 * 3600)
        await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["42"]
        check(world)


async def test_it_takes_the_place_of_its_preview(autojump_clock):
    async def agent(turn):
        async def model():
            turn.stream("the ans")
            await trio.sleep(2)
            return ModelAnswer(text="the answer")

        await run_of(turn).steps.run(
            "model", model, type=ModelAnswer, entries=lambda answer: [AssistantEntry(text=answer.text)]
        )
        await trio.sleep_forever()

    async with open_world(agent) as world:
        await world.say("ada", "work")
        await world.until(seconds=3)
        world.crash()
        await world.start()
        await world.settle()
        assert [seen.text for seen in world.platform.seen.values() if seen.chat == "ada"][1:] == []
        assert world.texts("ada", "final") == ["the answer"]
        check(world)


async def test_text_without_an_end_is_partial_and_goes_on(autojump_clock):
    async with open_world(recording(ModelAnswer(text="4", finish="partial"))) as world:
        await world.say("ada", "work")
        await cut_short(world)
        await world.start()
        await world.settle()
        assert verdicts(world) == ["resume"]
        assert world.texts("ada", "final") == ["returned by attempt 2"]
        kept = [
            entry
            for entry in await world.gateway.wiring.store.history(1, 10_000)
            if entry != UserEntry("work")
        ]
        assert kept[0] == AssistantEntry(text="4", finish="partial")


async def test_what_was_only_said_on_the_way_is_no_answer(autojump_clock):
    async def agent(turn):
        await turn.say("I look.")
        await trio.sleep(10)
        return "found"

    async with open_world(agent) as world:
        await world.say("ada", "work")
        await cut_short(world)
        await world.start()
        await world.settle()
        assert verdicts(world) == ["resume"]
        assert world.texts("ada") == ["I look.", "found"]
        check(world)


async def test_a_call_without_a_result_is_shown_as_unknown_and_not_run_again(autojump_clock):
    mail = Mail()
    async with open_world(tools=[mail]) as world:
        world.model.script(tool("mail"), text("I do not know whether it was sent."))
        await world.say("ada", "send it")
        await cut_short(world)
        await world.start()
        await world.settle()
        assert len(mail.sent) == 1
        assert world.model.requests[-1].entries[-1] == ToolEntry("call-mail", "mail", UNKNOWN, failed=True)
        assert world.texts("ada", "final") == ["I do not know whether it was sent."]
        check(world, mail.sent)


async def test_a_question_that_nobody_has_seen_yet_waits_for_its_user_however_old_it_is(autojump_clock):
    async def agent(turn):
        return f"{await turn.ask('Which?', timeout_s=1e6)} it is"

    async with open_world(agent, options=GatewayOptions(stuck_after=2)) as world:
        await world.say("ada", "paint")
        world.platform.connected = False
        for _ in range(3):
            await cut_short(world, for_s=2 * 3600)
            await world.start()
        world.platform.connected = True
        assert await world.reply("ada") == "Which?"
        await world.say("ada", "red")
        await world.settle()
        assert verdicts(world) == ["resume"] * 3
        assert world.texts("ada", "final") == ["red it is"]
        check(world)


# --- age


async def test_restarts_do_not_make_an_old_turn_fresh(autojump_clock):
    async with open_world() as world:
        world.model.script(hangs(), hangs(), hangs())
        await world.say("ada", "work")
        await cut_short(world, for_s=2000)
        await world.start()
        await world.stop()
        await world.until(seconds=4000)
        await world.start()
        await world.settle()
        assert verdicts(world) == ["resume", "too_old"]
        check(world)


# --- what the next turn is told


async def given_up(world, mail: Mail) -> None:
    """A turn that is too old at the next start, a call of its own unknown."""
    world.model.script(tool("mail"))
    await world.say("ada", "send it")
    await cut_short(world, for_s=2 * 3600)
    await world.start()
    await world.settle()


async def test_the_next_message_sees_what_was_cut_short_and_which_outcome_is_unknown(autojump_clock):
    mail = Mail()
    async with open_world(tools=[mail]) as world:
        await given_up(world, mail)
        assert len(world.model.requests) == 1
        assert [seen.said for seen in world.shown("ada")] == ["notice"]
        await world.say("ada", "and now?")
        await world.settle()
        entries = world.model.requests[-1].entries
        assert [entry.text for entry in entries if isinstance(entry, UserEntry)] == ["send it", "and now?"]
        assert entries[-1] == UserEntry("and now?")
        [note] = notes(world.model.requests[-1])
        assert "Started, outcome unknown: mail." in note
        assert [entry.text for entry in entries if isinstance(entry, ToolEntry)] == [UNKNOWN]
        check(world, mail.sent)


async def test_it_is_no_turns_own_so_no_start_finds_a_turn_that_holds_nothing_else(autojump_clock):
    mail = Mail()
    async with open_world(tools=[mail]) as world:
        await given_up(world, mail)
        (told,) = world.db.execute(
            "select turn from entry where cast(body as text) like '%cut_short%'"
        ).fetchall()
        assert told == (None,)
        await cut_short(world)
        await world.start()
        await world.settle()
        assert verdicts(world) == ["too_old"]
        assert len(world.model.requests) == 1
        check(world, mail.sent)


async def test_it_is_told_to_one_turn_and_in_every_attempt_of_that(autojump_clock):
    mail = Mail()
    async with open_world(tools=[mail]) as world:
        await given_up(world, mail)
        world.model.script(hangs())
        await world.say("ada", "and now?")
        await cut_short(world)
        await world.start()
        await world.settle()
        assert [len(notes(request)) for request in world.model.requests] == [0, 1, 1]
        await world.say("ada", "thanks")
        await world.settle()
        assert notes(world.model.requests[-1]) == []
        check(world)


async def test_an_answer_for_two_people_is_given_to_both_though_one_may_no_longer_speak(autojump_clock):
    async with open_world(recording(ModelAnswer(text="42")), start=False) as world:
        for user in ("ada", "bob"):
            await world.say(user, "work", chat="room", thread="1", group=True)
        await world.start()
        await cut_short(world)
        world.platform.policy = type(world.platform.policy)(allow_users=("ada",))
        await world.start()
        await world.settle()
        assert verdicts(world) == ["answered"]
        assert world.texts("room", "final", thread="1") == ["42"]
        assert await world.outcomes() == ["answered", "answered"]
        check(world)


async def test_a_function_finds_the_note_at_the_end_of_its_history(autojump_clock):
    seen = []

    async def agent(turn):
        seen.append(list(await turn.history()))
        await trio.sleep(5)
        return "done"

    async with open_world(agent) as world:
        await world.say("ada", "work")
        await cut_short(world, for_s=2 * 3600)
        await world.start()
        await world.say("ada", "again")
        await world.settle()
        await world.say("ada", "more")
        await world.settle()
        assert [type(entry) for entry in seen[1]] == [UserEntry, NoteEntry]
        assert [type(entry) for entry in seen[2]] == [UserEntry, UserEntry, AssistantEntry]


@pytest.mark.parametrize("end", ["no resume", "not allowed"])
async def test_whatever_closed_it_it_is_closed_once_and_told_once(autojump_clock, end):
    async with open_world() as world:
        world.model.script(hangs())
        await world.say("ada", "work")
        await cut_short(world)
        if end == "not allowed":
            world.platform.policy = type(world.platform.policy)(allow_users=("bob",))
        await world.start(resume=end != "no resume")
        for _ in range(3):
            await world.settle()
            world.crash()
            await world.start()
        await world.settle()
        assert [seen.said for seen in world.shown("ada")] == ["notice"]
        assert len(world.model.requests) == 1
        check(world)
