"""Where a conversation is cut, and what stands for the rest."""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.transcript import compaction
from hermes_trio.transcript.assembly import assemble
from hermes_trio.values.transcript import (
    AssistantEntry,
    NoteEntry,
    SummaryEntry,
    ToolCall,
    ToolEntry,
    UserEntry,
)

texts = st.text("ab ", max_size=12)
asked_and_answered = st.builds(lambda u, a: [UserEntry(u), AssistantEntry(a)], texts, texts)


@st.composite
def called(draw):
    """An answer with calls and their results, and perhaps a message that came in among them."""
    ids = {f"c{n}": draw(st.sampled_from(["look", "act", "find"])) for n in range(draw(st.integers(1, 3)))}
    calls = tuple(ToolCall(id, name, draw(texts)) for id, name in ids.items())
    results = [ToolEntry(id, name, draw(texts)) for id, name in ids.items()]
    if draw(st.booleans()):
        results.insert(draw(st.integers(0, len(results))), UserEntry(f"steered {draw(texts)}"))
    return [AssistantEntry(draw(texts), calls, "tool_calls"), *results]


@st.composite
def conversations(draw):
    """(entries, where the running turn begins, how many messages wait)."""
    turn = st.builds(lambda u, c: [UserEntry(u), *chain(*c)], texts, st.lists(called(), max_size=2))
    before = [*chain(*draw(st.lists(st.one_of(asked_and_answered, turn), max_size=3)))]
    if draw(st.booleans()):
        before.insert(0, SummaryEntry("so far", said=tuple(draw(st.lists(texts, max_size=2)))))
    own = draw(turn)
    heard = draw(st.integers(0, 1)) if any(isinstance(e, UserEntry) for e in before) else 0
    asked = sum(isinstance(entry, UserEntry) for entry in own) + heard
    return [*before, *own], len(before), asked


def shown(entries, summary):
    made = list(entries)
    compaction.put(made, summary)
    return made


def messages(entries):
    return [entry.text for entry in assemble(entries) if isinstance(entry, UserEntry)]


def pairs(entries):
    """(arguments, what the call gave) of every call, as a model reads them."""
    made = assemble(entries)
    found = []
    for at, entry in enumerate(made):
        if isinstance(entry, AssistantEntry):
            results = made[at + 1 : at + 1 + len(entry.calls)]
            found += [
                (call.arguments, result.text) for call, result in zip(entry.calls, results, strict=True)
            ]
    return found


@given(conversations(), st.integers(0, 300))
def test_a_cut_keeps_calls_whole_and_each_message_that_waits(conversation, room):
    entries, own, asked = conversation
    for summary in (
        compaction.summary_for(entries, own, room, text="s", asked=asked),
        compaction.shortened(entries, own, room, asked=asked),
        *compaction.without_suspects(entries, own, asked=asked),
    ):
        if summary.text.startswith(compaction.SET_ASIDE):
            continue  # some of the messages go: the next test
        left = shown(entries, summary)
        assert messages(left)[-asked:] == messages(entries)[-asked:]
        whole = pairs(entries)
        kept = pairs(left)
        assert all(pair in whole for pair in kept)
        if summary.covers is None and kept:
            assert whole[-len(kept) :] == kept


@given(conversations(), st.lists(st.integers(0, 10), min_size=1, max_size=4), st.integers(0, 300))
def test_whatever_goes_the_calls_for_the_messages_that_wait_are_told(conversation, ways, room):
    """However often something is left out, and also where an earlier turn made them, and was cut."""
    entries, own, asked = conversation
    work = entries[compaction.begin_of_work(entries, own, asked) :]
    called = {name for _, name in compaction.outcomes(work)}
    for way in ways:
        cuts = [
            compaction.shortened(entries, own, room, asked=asked),
            compaction.shortened(entries, own, room, asked=asked, summary="s"),
            *compaction.without_suspects(entries, own, asked=asked),
            compaction.without_messages(entries, own, asked=asked),
        ]
        cut = cuts[way % len(cuts)]
        left_out = len(compaction.unanswered(entries, len(entries), asked)) - len(cut.said)
        own = compaction.moved(cut, own, len(entries))
        compaction.put(entries, cut)
        if cut.text.startswith(compaction.SET_ASIDE):
            asked -= left_out
        if not asked:
            break  # none of the messages waits any more
        told = [entry for entry in assemble(entries) if isinstance(entry, NoteEntry | ToolEntry)]
        assert all(any(name in f"{one}" for one in told) for name in called)


@given(conversations())
def test_of_several_messages_that_wait_the_newest_goes_or_all_the_others(conversation):
    entries, own, asked = conversation
    waiting = messages(entries)[-asked:]
    some = compaction.without_some(entries, own, asked=asked)
    left = [messages(shown(entries, summary)) for summary in some]
    for n, texts_left in enumerate(left):
        expected = waiting[-1:] if n % 2 == 0 else waiting[:-1]
        assert texts_left[len(texts_left) - len(expected) :] == expected
    assert bool(some) == (asked > 1)


@given(conversations(), st.integers(0, 300))
def test_what_is_kept_fits(conversation, room):
    entries, own, asked = conversation
    summary = compaction.summary_for(entries, own, room, text="", asked=asked)
    kept = compaction.size(entries[len(entries) - summary.kept :])
    assert kept + sum(20 + len(one) for one in summary.said) <= room or summary.kept == 0


@given(conversations(), st.integers(1, 300), st.integers(1, 300))
def test_a_cut_of_a_cut_is_read_back_as_it_was_shown(conversation, first, second):
    entries, own, asked = conversation
    live, table = list(entries), list(entries)
    for room in (first, second):
        cut = compaction.shortened(live, own, room, asked=asked)
        own = compaction.moved(cut, own, len(live))
        compaction.put(live, cut)
        table.append(cut)
        more = [UserEntry("more"), AssistantEntry("yes")]
        live += more
        table += more
        asked += 1
    assert compaction.fold(table) == live


@given(conversations())
def test_where_the_turn_begins_is_followed(conversation):
    entries, own, asked = conversation
    for room in (0, 40, 80, 200):
        cut = compaction.summary_for(entries, own, room, text="s", asked=asked)
        moved = compaction.moved(cut, own, len(entries))
        left = shown(entries, cut)
        if own == 0:
            assert moved == 0
            continue
        assert left[moved:] == entries[max(own, len(entries) - cut.kept) :]


def test_a_summary_of_a_part_stands_where_the_part_stood():
    entries = [
        UserEntry("one"),
        UserEntry("bad"),
        UserEntry("two"),
        SummaryEntry("left out", kept=1, covers=1),
    ]
    assert compaction.fold(entries) == [UserEntry("one"), entries[-1], UserEntry("two")]


def test_what_was_called_is_mentioned_where_it_is_cut():
    entries = [
        UserEntry("go"),
        AssistantEntry("", (ToolCall("c", "send", '{"to":1}'),), "tool_calls"),
        ToolEntry("c", "send", "sent " * 1000),
    ]
    cut = compaction.shortened(entries, 0, 2000, asked=1)
    assert (cut.kept, cut.said) == (0, ("go",))
    assert '- send({"to":1}): sent sent' in cut.text
    assert compaction.size([cut]) < 600


def test_of_a_conversation_that_is_written_out_what_is_long_is_cut_first():
    entries = [SummaryEntry("so far"), UserEntry("old " * 100), UserEntry("new")]
    lines = compaction.written_out(entries, 60).splitlines()
    assert lines == ["Before: so far", "User: " + ("old " * 100)[:31], "User: new"]
    assert compaction.written_out(entries, 10_000).count("old ") == 100


def test_a_note_of_calls_stands_by_the_message_behind_it_where_what_was_before_is_refused():
    note = SummaryEntry("called", covers=0, calls=((compaction.RAN, "look"),))
    first, *_ = compaction.without_suspects([UserEntry("before"), note, UserEntry("go")], 2, asked=1)
    assert first.text == f"{compaction.REFUSED} {compaction.RAN}: look."
    assert first.calls == note.calls
