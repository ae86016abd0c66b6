"""The table of an outbound row's life has no way that leads nowhere."""

from __future__ import annotations

import pytest

from hermes_trio.values.outbound_states import EVENTS, FAILURES, OPEN, OVER, STATES, TABLE
from tests.outbound_moves import move_of

ENDS_OF_A_CALL = ("said", *FAILURES)


def reachable(state):
    seen, to_see = set(), [state]
    while to_see:
        here = to_see.pop()
        seen.add(here)
        to_see += {move.to for (at, _), moves in TABLE.items() if at == here for move in moves} - seen
    return seen


def test_each_state_and_each_event_is_in_the_table():
    assert {state for state, _ in TABLE} == {*STATES}
    assert {event for _, event in TABLE} == {*EVENTS}


@pytest.mark.parametrize("state", ["held", *OPEN])
def test_every_state_leads_to_each_end(state):
    assert {"sent", "failed", "unknown", "dropped"} <= reachable(state)


def test_what_is_over_stays_over_but_for_a_question_that_is_asked_anew():
    opened = {at for at, moves in TABLE.items() for move in moves if at[0] in OVER and move.to != at[0]}
    assert opened == {("sent", "asked anew")}


@pytest.mark.parametrize("event", ENDS_OF_A_CALL)
def test_the_end_of_a_call_is_known_in_each_state_that_a_call_can_end_in(event):
    assert {state for state, at in TABLE if at == event} == {*STATES} - {"held"}
    assert all("call over" in move.then for state in OPEN for move in TABLE[state, event])


@pytest.mark.parametrize("event", ENDS_OF_A_CALL)
def test_nothing_is_being_sent_when_its_call_has_ended(event):
    assert all(move.to != "sending" for move in TABLE["sending", event])


def test_a_call_begins_only_for_what_is_owed_or_live():
    begun = {state for (state, _), moves in TABLE.items() if "call begins" in moves[0].then}
    assert begun == {"owed", "live"}


@pytest.mark.parametrize("moves", TABLE.values(), ids=map(" ".join, TABLE))
def test_of_several_moves_only_the_last_is_without_a_condition(moves):
    assert [move.when is None for move in moves] == [False] * (len(moves) - 1) + [True]


def test_the_first_move_that_fits_is_the_one():
    assert move_of("sending", "refused", ["in doubt", "no send"]).to == "unknown"
    assert move_of("sending", "refused", ["no send"]).to == "dropped"
    assert move_of("sending", "refused").to == "owed"
    assert move_of("held", "said") is None
