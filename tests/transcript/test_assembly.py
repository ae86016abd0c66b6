"""A transcript as a model may be shown it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.transcript.assembly import UNKNOWN, assemble
from hermes_trio.values.transcript import AssistantEntry, NoteEntry, ToolCall, ToolEntry, UserEntry


def user(text="hi") -> UserEntry:
    return UserEntry(text=text)


def calls(*ids: str, text="") -> AssistantEntry:
    return AssistantEntry(
        text=text, calls=tuple(ToolCall(id, "look", "{}") for id in ids), finish="tool_calls"
    )


def result(id: str, text="found") -> ToolEntry:
    return ToolEntry(call=id, name="look", text=text)


def unknown(id: str) -> ToolEntry:
    return ToolEntry(call=id, name="look", text=UNKNOWN, failed=True)


@st.composite
def a_turn(draw):
    """What one turn leaves in a transcript: it may have been cut anywhere, and taken something in."""
    entries = draw(st.sampled_from([[], [user()], [user(" ")], [NoteEntry(text="note")]]))
    for _ in range(draw(st.integers(0, 3))):
        ids = draw(st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True))
        entries = [*entries, calls(*ids) if ids else AssistantEntry(text=draw(st.sampled_from(["", "so"])))]
        for id in draw(st.permutations(ids))[: draw(st.integers(0, 3))]:
            entries = [*entries, *draw(st.sampled_from([[], [user("steered")]])), result(id)]
    return entries


@given(st.lists(a_turn(), max_size=5), st.integers(0, 5))
def test_a_conversation_may_be_assembled_turn_by_turn(turns, cut):
    before = assemble([entry for turn in turns[:cut] for entry in turn])
    after = assemble([entry for turn in turns[cut:] for entry in turn], going_on=bool(before))
    assert before + after == assemble([entry for turn in turns for entry in turn])


def test_a_whole_transcript_is_shown_as_it_is():
    entries = (user(), calls("a"), result("a"), AssistantEntry(text="done"))
    assert assemble(entries) == entries


def test_a_call_without_a_result_gets_one_that_says_so():
    assert assemble([user(), calls("a", "b"), result("b")]) == (
        user(),
        calls("a", "b"),
        unknown("a"),
        result("b"),
    )


def test_a_call_that_was_interrupted_before_the_next_message():
    entries = [user("one"), calls("a"), user("two")]
    assert assemble(entries) == (user("one"), calls("a"), unknown("a"), user("two"))


def test_what_came_between_a_call_and_its_result_follows_the_results():
    entries = [user(), calls("a", "b"), user("steered"), result("a"), NoteEntry(text="note"), result("b")]
    assert assemble(entries) == (
        user(),
        calls("a", "b"),
        result("a"),
        result("b"),
        user("steered"),
        NoteEntry(text="note"),
    )


def test_an_id_that_is_used_again_has_its_own_result_each_time():
    entries = [user(), calls("a"), result("a", "1"), calls("a"), result("a", "2")]
    assert assemble(entries) == tuple(entries)


def test_an_interrupted_call_does_not_take_the_result_of_a_later_one_of_the_same_id():
    entries = [user(), calls("a"), user("again"), calls("a"), result("a", "2")]
    assert assemble(entries) == (
        user(),
        calls("a"),
        unknown("a"),
        user("again"),
        calls("a"),
        result("a", "2"),
    )


def test_a_result_without_its_call_is_left_out():
    assert assemble([user(), result("gone"), AssistantEntry(text="x")]) == (user(), AssistantEntry(text="x"))


def test_a_history_that_was_cut_begins_where_a_person_speaks():
    assert assemble([result("a"), AssistantEntry(text="x"), user("two")]) == (user("two"),)
    assert assemble([AssistantEntry(text="x")]) == ()
    assert assemble([]) == ()


def test_an_empty_answer_is_left_out():
    assert assemble([user(), AssistantEntry(text=""), user("two")]) == (user(), user("two"))


ids = st.sampled_from("abc")
entries = st.lists(
    st.one_of(
        st.builds(user, st.text(max_size=3)),
        st.builds(lambda found: calls(*found), st.lists(ids, min_size=1, max_size=3, unique=True)),
        st.builds(result, ids, st.text(max_size=3)),
        st.builds(AssistantEntry, text=st.text(max_size=3)),
        st.builds(NoteEntry, text=st.text(max_size=3)),
    ),
    max_size=12,
)


@given(entries)
def test_every_call_is_followed_by_its_results_and_no_result_stands_alone(transcript):
    made = assemble(transcript)
    owed: list[str] = []
    for entry in made:
        if isinstance(entry, ToolEntry):
            assert owed
            assert entry.call == owed.pop(0)
        else:
            assert not owed
            owed = [call.id for call in entry.calls] if isinstance(entry, AssistantEntry) else []
    assert not owed
    assert not made or isinstance(made[0], UserEntry | NoteEntry)
    assert [e.text for e in made if isinstance(e, UserEntry)] == [
        e.text if e.text.strip() else "(an empty message)" for e in transcript if isinstance(e, UserEntry)
    ]
    assert assemble(made) == made
