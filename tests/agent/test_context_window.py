"""What becomes of a conversation that is too long for its model."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import fails, hangs, text, tool
from hermes_trio.text import sentences
from hermes_trio.transcript import compaction
from hermes_trio.transcript.assembly import NOT_AT_ONCE
from hermes_trio.values.transcript import AssistantEntry, SummaryEntry, ToolEntry, UserEntry
from tests.agent.picky import TOO_LONG, Picky, acting, heard, noted, pairs, picky_world, says
from tests.agent.test_agent import ATool
from tests.invariants.at_rest import check


def summaries(world):
    rows = world.db.execute("select body from entry order by id").fetchall()
    return [body for (body,) in rows if b'"type":"summary"' in body]


# --- too long


async def test_a_conversation_that_is_refused_as_too_long_is_summarised(autojump_clock):
    model = Picky(takes=1000)
    model.summaries = [text("They spoke ", "about A.")]
    async with picky_world(model) as world:
        await says(world, "a" * 300, "b" * 100, "c" * 200)
        assert world.texts("ada", "final")[-1] == "you said: " + "c" * 200
        assert world.texts("ada") == world.texts("ada", "final")
        last = model.requests[-1]
        assert noted(last) == [f"{compaction.SUMMARY}\n> They spoke about A."]
        assert heard(last)[-1] == "c" * 200
        (asked,) = model.asked_for
        assert asked.tools == ()
        assert "a" * 220 in asked.entries[0].text
        # It is for good: the next message is shown the summary, and is not refused.
        await says(world, "and now?")
        assert noted(model.requests[-1]) == noted(last)
        assert len(model.asked_for) == 1
        check(world)


async def test_a_long_conversation_is_summarised_before_any_model_refuses_it(autojump_clock):
    model = Picky()
    model.summaries = [text("So far: numbers.")] * 100
    async with picky_world(model, history_tokens=500) as world:
        for n in range(30):
            await says(world, f"number {n} " + "." * 150)
            assert compaction.size(model.requests[-1].entries) <= 2000
            assert heard(model.requests[-1])[-1].startswith(f"number {n} ")
        assert len(model.requests) == 30
        assert 3 <= len(model.asked_for) <= 15
        # A later summary is made of the one before it.
        assert "So far: numbers." in model.asked_for[-1].entries[0].text
        assert set(world.texts("ada")) == set(world.texts("ada", "final"))
        check(world)


@pytest.mark.parametrize(
    "line",
    [
        *[fails(kind) for kind in ("rate_limit", "quota", "auth", "overload", "context", "malformed")],
        text(""),
        text("  \n"),
        hangs("half a"),
    ],
    ids=lambda line: line.error.kind if line.error else repr("".join(line.pieces)),
)
async def test_whatever_becomes_of_the_summary_the_message_is_answered(autojump_clock, line):
    model = Picky(takes=1000)
    model.summaries = [line] * 3
    async with picky_world(model) as world:
        await says(world, "a" * 300, "b" * 100, "c" * 200)
        assert world.texts("ada", "final")[-1] == f"you said: {'c' * 200}\n\n{sentences.SHORTENED}"
        assert noted(model.requests[-1]) == [compaction.LEFT_OUT]
        assert world.now < 70
        await says(world, "d")
        assert world.texts("ada", "final")[-1] == "you said: d"
        check(world)


async def test_a_summary_without_end_is_ended(autojump_clock):
    model = Picky(takes=4000)
    model.summaries = [text(*["word "] * 100_000, between_s=0.01)]
    async with picky_world(model) as world:
        await says(world, "a" * 1700, "c" * 1000)
        assert world.texts("ada", "final")[-1] == "you said: " + "c" * 1000
        (note,) = noted(model.requests[-1])
        assert note.startswith(f"{compaction.SUMMARY}\n> word word")
        assert len(note) < 1000
        assert world.now < 2


async def test_three_messages_to_a_model_that_takes_little_and_summarises_nothing(autojump_clock):
    """ "Context length exceeded, cannot compress further" on every message, for ever."""
    model = Picky()
    async with picky_world(model) as world:
        await says(world, *["long " * 400] * 5)
        model.takes, before = 1500, model.calls
        await says(world, "one", "long " * 400, "three")
        assert world.texts("ada")[5:] == [
            f"you said: one\n\n{sentences.SHORTENED}",
            TOO_LONG.format(7),
            "you said: three",
        ]
        assert model.calls - before <= 12
        assert await world.outcomes() == ["answered"] * 6 + ["failed", "answered"]
        assert heard(model.requests[-1]) == ["one", "three"]
        check(world)


async def test_what_a_crash_cut_while_it_was_shortened_goes_on_the_same(autojump_clock):
    for step in range(0, 60, 1):
        model = Picky(takes=1000)
        model.summaries = [text("About A.", after_s=0.004)] * 3
        async with picky_world(model, seed=step, commit_s=0.001) as world:
            await says(world, "a" * 300, "b" * 100)
            await world.say("ada", "c" * 200)
            await trio.sleep(step * 0.0005)
            world.crash()
            await world.start()
            await world.until(seconds=60)
            await says(world, "d")
            assert noted(model.requests[-1]) == [f"{compaction.SUMMARY}\n> About A."], world.timeline()
            assert heard(model.requests[-1])[-2:] == ["c" * 200, "d"], world.timeline()
            assert len(summaries(world)) == 1
            assert set(await world.outcomes()) == {"answered"}
            check(world)


# --- and the tools of the turn


@pytest.mark.parametrize("summarised", [True, False])
async def test_at_every_step_boundary_each_result_is_in_the_next_request_and_each_effect_once(
    autojump_clock, summarised
):
    """After compaction the tool's result is lost and the agent repeats the action."""
    act, done = acting()
    model = Picky(takes=700)
    model.summaries = [text("So far it acted.")] * 100 if summarised else []
    async with picky_world(model, tools=[act]) as world:
        model.script(*[tool("act", n=n) for n in range(12)], text("done"))
        await says(world, "act twelve times")
        assert world.texts("ada", "final") == ["done"]
        assert len(done) == len(set(done)) == 12
        answered = [request for request in model.requests if compaction.size(request.entries) <= 700]
        for n, request in enumerate(answered[1:]):
            results = [entry.text for entry in request.entries if isinstance(entry, ToolEntry)]
            assert results[-1].startswith(f"acted {n} ")
            assert heard(request) == ["act twelve times"]
        assert summaries(world)
        check(world, done)


async def test_what_one_result_alone_makes_too_long_is_mentioned_and_not_done_again(autojump_clock):
    async def act(arguments, call):
        return "acted: " + "." * 50_000

    act = ATool("act", act)
    model = Picky(takes=2000)
    async with picky_world(model, tools=[act]) as world:
        model.script(tool("act"), text("done"))
        await says(world, "go")
        assert world.texts("ada", "final") == ["done"]
        (note,) = noted(model.requests[-1])
        assert "- act({}): acted: ..." in note
        assert heard(model.requests[-1]) == ["go"]
        assert len(act.calls) == 1


@pytest.mark.parametrize("meant", [False, True])
@pytest.mark.parametrize("crash", [False, True])
async def test_a_call_that_its_model_cannot_see_any_more_is_made_again_only_if_it_insists(
    autojump_clock, crash, meant
):
    """A paid call of a long turn whose arguments had no room in what stands for it was simply made again."""
    act, paid = acting()
    pay = tool("act", n=1)
    model = Picky()
    async with picky_world(model, tools=[act]) as world:
        model.script(pay, fails("context"), pay, *[hangs()] * crash, *[pay] * meant, text("paid"))
        await world.say("ada", "pay")
        if crash:
            await world.until(seconds=world.now + 1)
            world.crash()
            await world.start()
        await world.settle()
        assert world.texts("ada", "final") == ["paid"]
        assert len(paid) == 1 + meant
        (note,) = noted(model.requests[-1])
        assert note == f"{compaction.LEFT_OUT}\nCalled so far to answer this. {compaction.RAN}: act."
        told = [one.text for one in model.requests[-1].entries if isinstance(one, ToolEntry)]
        assert told == [NOT_AT_ONCE, *["acted 1 " + "." * 150] * meant]
        check(world)


async def test_a_call_that_may_be_repeated_is_made_again_at_once(autojump_clock):
    async def look(arguments, call):
        return "found " + "." * 150

    look = ATool("look", look, idempotent=True)
    model = Picky()
    async with picky_world(model, tools=[look]) as world:
        model.script(tool("look"), fails("context"), tool("look"), text("seen"))
        await says(world, "look")
        assert world.texts("ada", "final") == ["seen"]
        assert len(look.calls) == 2


@pytest.mark.parametrize("busy", ["steer", "queue"])
async def test_a_message_that_comes_while_it_is_shortened_is_answered_once(autojump_clock, busy):
    for at in range(40):
        act, done = acting()
        model = Picky(takes=600)
        model.summaries = [text("So far it acted.", after_s=0.003)] * 100
        options = GatewayOptions(busy=busy)
        async with picky_world(model, tools=[act], seed=at, commit_s=0.001, options=options) as world:
            model.script(*pairs(4), text("done"))
            await world.say("ada", "go")
            await trio.sleep(at * 0.001)
            await world.say("ada", "and this")
            await world.until(seconds=60)
            await says(world, "after")
            assert set(await world.outcomes()) == {"answered"}, world.timeline()
            assert heard(model.requests[-1]).count("and this") <= 1
            if busy == "steer" and len(world.texts("ada", "final")) == 2:
                assert "and this" in heard(model.requests[-2]), world.timeline()
            assert len(done) == 8
            check(world, done)


def left_out(world):
    """(event, turn, what or how) of each line."""
    shortened = [(line["event"], line["turn"], line["how"]) for line in world.lines("conversation shortened")]
    return shortened + [(line["event"], line["turn"], line["what"]) for line in world.lines("set aside")]


# --- what the log says of it


@pytest.mark.parametrize(("summary", "how"), [([text("About A.")], "summary"), ([], "cut")])
async def test_a_conversation_that_is_shortened_is_one_line(autojump_clock, summary, how):
    model = Picky(takes=1000)
    model.summaries = summary
    async with picky_world(model) as world:
        await says(world, "a" * 300, "b" * 100, "c" * 200)
        assert left_out(world) == [("conversation shortened", 3, how)]
        world.crash()
        await world.start()
        await says(world, "d")
        assert left_out(world) == [("conversation shortened", 3, how)]


async def test_what_is_set_aside_is_one_line_each(autojump_clock):
    async def look(arguments, call):
        return "found ☠"

    model = Picky()
    async with picky_world(model, tools=[ATool("look", look)]) as world:
        await says(world, "one ☠")
        model.poison = "☠"
        await says(world, "two")
        model.script(tool("look"), text("I could not read it."))
        await says(world, "look", "☠")
        assert left_out(world) == [
            ("set aside", 2, "earlier"),
            ("set aside", 3, "results"),
            ("set aside", 4, "message"),
        ]


# --- as agents of one's own see it


async def test_history_has_the_summary_in_place_of_what_it_stands_for(autojump_clock):
    model = Picky(takes=1000)
    model.summaries = [text("About A.")]
    async with picky_world(model) as world:
        await says(world, "a" * 300, "b" * 100, "c" * 200)
        (session,) = world.db.execute("select id from session").fetchone()
        entries = await world.life.store.history(session, 100_000)
        assert entries[0] == SummaryEntry(f"{compaction.SUMMARY}\n> About A.", kept=2)
        assert entries[2:] == [UserEntry("c" * 200), AssistantEntry("you said: " + "c" * 200)]


@pytest.mark.parametrize("busy", ["steer", "queue", "interrupt"])
@pytest.mark.parametrize("word", ["☠", "long " * 1000])
async def test_a_message_that_comes_while_another_is_refused_is_answered(autojump_clock, busy, word):
    for at in range(60):
        model = Picky(poison="☠", takes=2000)
        options = GatewayOptions(busy=busy)
        async with picky_world(model, seed=at, commit_s=0.001, options=options) as world:
            await says(world, "one", "two")
            await world.say("ada", word)
            await trio.sleep(at * 0.00025)
            await world.say("ada", "hello")
            await world.until(seconds=60)
            outcomes = await world.outcomes()
            assert outcomes[3] == "answered", world.timeline()
            assert any(text.startswith("you said: hello") for text in world.texts("ada")), world.timeline()
            told = [
                text
                for text in world.texts("ada")
                if sentences.MESSAGE_LEFT_OUT in text or "I could not" in text
            ]
            assert len(told) <= 1, world.timeline()
            assert told or busy == "interrupt", world.timeline()
            await says(world, "after")
            assert world.texts("ada", "final")[-1] == "you said: after"
            check(world)


@pytest.mark.parametrize("busy", ["steer", "queue"])
async def test_what_a_crash_cut_while_it_was_set_aside_goes_on_the_same(autojump_clock, busy):
    for at in range(60):
        effects = []

        async def look(arguments, call, effects=effects):
            effects.append(call.op)
            return "found ☠"

        model = Picky(poison="☠")
        options = GatewayOptions(busy=busy)
        async with picky_world(
            model, tools=[ATool("look", look)], seed=at, commit_s=0.001, options=options
        ) as world:
            await says(world, "one")
            model.script(tool("look"), text("I could not read it."))
            await world.say("ada", "look")
            await world.say("ada", "and ☠")
            await trio.sleep(at * 0.0003)
            world.crash()
            await world.start()
            await world.until(seconds=60)
            await says(world, "hello", "after")
            assert world.texts("ada", "final")[-2:] == ["you said: hello", "you said: after"], (
                world.timeline()
            )
            assert set(await world.outcomes()) <= {"answered", "failed"}
            assert heard(model.requests[-1])[-2:] == ["hello", "after"], world.timeline()
            check(world, effects)
