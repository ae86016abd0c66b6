"""A model whose endpoint answers oddly: what it calls is done once, and what ends badly says so."""

from __future__ import annotations

import pytest

from hermes_trio.errors import ModelFailed
from hermes_trio.testing.simulation.endpoint import CUT_OFF, ODD_ENDS, Saying, answer_of, odd_end
from hermes_trio.testing.simulation.plan import Crash, Plan, Rules, Say
from hermes_trio.testing.simulation.play import play
from hermes_trio.testing.simulation.refusing_endpoint import PARTS
from hermes_trio.values.transcript import ToolCall

CALL = ToolCall("c1.0", "once", '{"wish":"1.0"}')


def played(*words, n=1, crash_at=None):
    crash = (Crash(crash_at),) if crash_at is not None else ()
    play_ = play(Plan(seed=1, happenings=(Say(0.0, n, "ada", 0, words), *crash, Say(60.0, 9, "ada"))))
    assert not play_.broken, play_.what
    return play_.timeline.splitlines()


def seen(timeline, *words):
    return [line for line in timeline if all(word in line for word in words)]


@pytest.mark.parametrize("crash_at", [None, 0.006, 0.008, 0.012])
@pytest.mark.parametrize("odd", ["doubled", "cut", "refuses", "odd", "aloud", "loose", "pauses"])
def test_what_it_calls_is_done_once(odd, crash_at):
    timeline = played("once", odd, crash_at=crash_at)
    done = len(seen(timeline, "tool ", "effect"))
    assert done == 1 if crash_at is None else done <= 1
    assert seen(timeline, "send", "re #9.0")


def test_a_call_that_the_limit_cut_is_made_again():
    timeline = played("once", "cut")
    answers = seen(timeline, "model ", "answered")
    assert ["unfinished" in line for line in answers[:2]] == [True, False]
    assert seen(timeline, "send", "'re #1.0'")


@pytest.mark.parametrize("n", range(1, 6))
def test_an_end_that_is_no_good_one_is_told(n):
    told = seen(played("odd", n=n), "send", f"re #{n}.0", "cut off here")
    assert bool(told) == (odd_end(n) in CUT_OFF)


@pytest.mark.parametrize("odd", ["aloud", "loose", "pauses"])
def test_what_comes_in_an_odd_way_is_said_as_any_other(odd):
    assert seen(played("once", odd), "send", "'re #1.0'")


def test_a_refusal_is_told_and_sticks_to_nothing_that_is_said_later():
    timeline = played("once", "refuses")
    assert seen(timeline, "send", "the model refused your message")
    assert seen(timeline, "set aside", "what=results")
    assert seen(timeline, "send", "re #9.0")


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_an_endpoint_refuses_is_left_out_from_then_on(part):
    said = tuple(Say(60.0 * n, n + 1, "ada", words=("once",)) for n in range(3))
    played_ = play(Plan(seed=1, rules=Rules(refuses=(part,)), happenings=said))
    assert not played_.broken, played_.what
    timeline = played_.timeline.splitlines()
    assert len(seen(timeline, "refuses a part")) == 1
    assert len(seen(timeline, "tool ", "effect")) == 3
    assert seen(timeline, "send", "re #3.0")


def test_it_is_read_as_real_endpoints_are():
    answer, pieces = answer_of(Saying(("one ", "two")), "m")
    assert (answer.text, pieces, answer.finish) == ("one two", ("one ", "two"), "stop")
    for odd in (Saying(("one ", "two"), aloud=True), Saying(("one ", "two"), loose=True)):
        assert answer_of(odd, "m")[0].text == "one two"
    answer, _ = answer_of(Saying(end="pause_turn"), "m")
    assert answer.finish == "unfinished"
    answer, _ = answer_of(Saying((), CALL, "tool_calls", places=2), "m")
    assert answer.calls == (CALL,)
    answer, _ = answer_of(Saying((), CALL, "length", cut=True), "m")
    assert (answer.calls, answer.finish) == ((), "unfinished")
    with pytest.raises(ModelFailed, match="content_filter"):
        answer_of(Saying(end="content_filter"), "m")
    ends = {end: answer_of(Saying(("text",), end=end), "m")[0].finish for end in ODD_ENDS}
    assert {end for end, finish in ends.items() if finish != "stop"} == set(CUT_OFF)
