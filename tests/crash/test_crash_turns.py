"""Killed while a turn works (K3, K4, K5), once or again and again: it goes on where it was."""

from __future__ import annotations

import pytest

from hermes_trio.transcript.assembly import UNKNOWN
from tests.crash.checks import MARK
from tests.crash.points import model_called, tool_held
from tests.crash.stage import CHAT
from tests.fakes.model_script import Item

HALF = Item(text="you said: hel, but never to the end", hold=2)


# --- K3, K4: the model has the request ------------------------------------------------------------


async def test_a_question_the_model_was_thinking_about_is_asked_again_and_answered_once(stage):
    await stage.start()
    await model_called(stage, "hello")
    await stage.lives_again()
    assert len(stage.model.calls) == 2
    await stage.verify()


async def test_an_answer_cut_off_before_anything_of_it_was_shown_comes_whole(stage):
    stage.model.push(HALF)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    await stage.lives_again()
    await stage.verify()


async def shown_for_certain(stage) -> None:
    """A preview is shown and its receipt written: a lane does one thing after the other."""
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_sent(CHAT)
    stage.say(CHAT, "/help")
    await stage.telegram.wait_sent(CHAT, 2)


def answers(stage) -> list[str]:
    return [text for text in stage.shown(CHAT) if not text.startswith("/help")]


async def test_half_an_answer_that_was_shown_becomes_the_whole_one_in_place(stage):
    stage.model.push(HALF)
    await shown_for_certain(stage)
    assert answers(stage) == ["you said"]
    await stage.lives_again()
    assert answers(stage) == ["you said: hello"]
    await stage.verify(but=frozenset({CHAT}))


async def test_half_an_answer_of_which_nobody_knows_whether_it_was_shown_is_followed_by_a_marked_one(stage):
    stage.model.push(HALF)
    stage.telegram.hold("sendMessage")
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_held("sendMessage")
    await stage.lives_again()
    assert stage.shown(CHAT) == ["you said", f"you said: hello{MARK}"]
    assert await stage.outcomes(CHAT) == ["answered"]
    await stage.verify(but=frozenset({CHAT}))


async def test_an_answer_in_the_middle_of_its_last_edit_stands_there_once(stage):
    stage.model.push(Item(text="you said: hello", hold=2))
    stage.telegram.hold("editMessageText")
    await shown_for_certain(stage)
    stage.model.release()
    await stage.telegram.wait_held("editMessageText")
    await stage.lives_again()
    assert answers(stage) == ["you said: hello"]
    assert len(stage.model.calls) == 1
    await stage.verify(but=frozenset({CHAT}))


# --- K5: a tool has acted -------------------------------------------------------------------------


@pytest.mark.parametrize(("moment", "made"), [("after", ["apples"]), ("before", [])])
async def test_a_charge_is_not_made_behind_the_models_back_and_the_person_is_told_it_is_unknown(
    stage, moment, made
):
    await stage.start()
    await tool_held(stage, "charge apples", moment)
    await stage.lives_again()
    assert [effect["what"] for effect in stage.effects.done] == made
    assert stage.shown(CHAT) == [f"you said: charge apples; {UNKNOWN}"]
    await stage.verify()


async def test_what_may_be_done_twice_is_done_again_under_the_same_id(stage):
    await stage.start()
    await tool_held(stage, "renew the lease", "after")
    await stage.lives_again()
    first, second = stage.effects.done
    assert first["op"] == second["op"]
    assert first["pid"] != second["pid"]
    assert stage.shown(CHAT) == ["you said: renew the lease; renew the lease: done"]
    await stage.verify()


async def two_charges_are_written_down(stage, *, deaths: int) -> None:
    """Two charges are made and their results recorded; each life then dies before the model has answered."""
    await stage.start()
    await tool_held(stage, "charge apples; charge pears", "after")
    stage.model.holds = [-1, *[0] * deaths]
    stage.effects.release()
    for _ in range(deaths):
        await stage.model.until_held()
        await stage.kill9()
        await stage.start()
    await stage.answered()
    assert [effect["what"] for effect in stage.effects.done] == ["apples", "pears"]


async def test_a_charge_whose_result_was_written_down_is_remembered(stage):
    await two_charges_are_written_down(stage, deaths=1)
    assert stage.shown(CHAT) == [
        "you said: charge apples; charge pears; charge apples: done; charge pears: done"
    ]
    await stage.verify()


# --- crash upon crash -----------------------------------------------------------------------------


async def test_a_turn_that_is_killed_while_it_is_resumed_is_resumed_again_from_where_it_was(stage):
    await two_charges_are_written_down(stage, deaths=2)
    assert len(stage.daemon.said("turn opened", "attempt=3")) == 1
    await stage.verify()


async def test_a_daemon_killed_while_it_starts_loses_nothing(stage):
    await stage.start()
    await model_called(stage, "hello")
    await stage.kill9()
    await stage.begin()
    await stage.daemon.says("resume verdict")
    await stage.lives_again()
    await stage.verify()


async def given_up_aloud(stage) -> None:
    """Whose turn was not resumed was told so, and is answered when they write again."""
    await stage.telegram.wait_sent(CHAT)
    stage.say(CHAT, "hello")
    await stage.answered()
    notice, answer = stage.shown(CHAT)
    assert "interrupted" in notice
    assert answer == "you said: hello"
    assert await stage.outcomes(CHAT) == ["failed", "answered"]


async def test_a_message_that_kills_the_daemon_each_time_is_given_up_aloud_and_the_next_is_answered(stage):
    stage.model.holds = [0, 0, 0]
    await stage.start()
    stage.say(CHAT, "poison")
    for _ in range(3):
        await stage.model.until_held()
        await stage.kill9()
        await stage.start()
    await given_up_aloud(stage)
    assert len(stage.model.calls) == 4
    await stage.verify(but=frozenset({CHAT}), fresh=frozenset({"hello"}))


async def test_an_operator_who_starts_without_resuming_leaves_nobody_waiting(stage):
    await stage.start()
    await model_called(stage, "poison")
    await stage.kill9()
    await stage.start("--no-resume")
    await given_up_aloud(stage)
    assert len(stage.model.calls) == 2
    await stage.verify(but=frozenset({CHAT}))


@pytest.mark.parametrize("held", ["after", "before"])
async def test_somebody_else_is_answered_while_one_turn_is_being_resumed(stage, held):
    await stage.start()
    await tool_held(stage, "renew the lease", held)
    await stage.kill9()
    await stage.start()
    await stage.effects.wait_held(held)
    stage.say(CHAT + 1, "hello")
    assert await stage.telegram.wait_sent(CHAT + 1) == ["you said: hello"]
    stage.effects.release()
    await stage.answered()
    await stage.verify()
