"""kill -9 at each point of a message's way, and what a person sees of it: the answer, once.

Each point is made by what the daemon waits for: an answer that a fake keeps back, or, where it must have
been sent and not been read, a daemon that was frozen before.
"""

from __future__ import annotations

import pytest
from trio.testing import wait_all_tasks_blocked

from hermes_trio.pure.prompt import UNKNOWN
from hermes_trio.pure.texts import MAY_BE_MISSING
from tests.crash.outside import users
from tests.crash.stage import MARK
from tests.fakes.model_script import Item

CHAT = 42
HELD = Item(hold=0)


async def test_without_a_crash_a_message_is_answered(stage):
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.answered()
    assert stage.shown(CHAT) == ["you said: hello"]
    assert await stage.printed_ledger() == await stage.ledger()
    await stage.verify()


# --- K1: handed over, not confirmed ---------------------------------------------------------------


async def test_a_message_that_was_handed_over_and_never_read_is_answered(stage):
    await stage.start()
    await stage.telegram.until(lambda: stage.telegram.pollers)
    stage.freeze()
    stage.say(CHAT, "hello")
    await stage.telegram.until(lambda: not stage.telegram.pollers)
    await wait_all_tasks_blocked()
    await stage.kill9()
    with stage.store() as db:
        assert db.execute("select count(*) from inbound").fetchone() == (0,)
    await stage.start()
    await stage.answered()
    await stage.verify()


async def test_a_message_whose_confirmation_was_lost_is_answered_once_though_it_comes_again(stage):
    await stage.start()
    await stage.telegram.until(lambda: stage.telegram.pollers)
    stage.telegram.hold_before("getUpdates")
    stage.model.push(HELD)
    message = stage.say(CHAT, "hello")
    await stage.telegram.wait_held("getUpdates")
    await stage.model.until_held()
    assert stage.telegram.offsets == []
    await stage.kill9()
    stage.telegram.redeliver(CHAT, message)
    await stage.start()
    await stage.answered()
    await stage.verify()


async def test_a_message_that_was_answered_and_never_confirmed_is_not_answered_again(stage):
    await stage.start()
    await stage.telegram.until(lambda: stage.telegram.pollers)
    stage.telegram.hold_before("getUpdates")
    message = stage.say(CHAT, "hello")
    await stage.telegram.wait_held("getUpdates")
    await stage.rest(CHAT)
    await stage.kill9()
    stage.telegram.redeliver(CHAT, message)
    await stage.start()
    await stage.answered()
    assert len(stage.model.calls) == 1
    await stage.verify()


# --- K2: confirmed, the model not called ----------------------------------------------------------


async def test_a_message_that_telegram_has_forgotten_and_the_model_never_saw_is_answered(stage):
    stage.model.push(Item(text="I read it all."))
    await stage.start()
    stage.say(CHAT, "a long text " * 341)  # so long that its second half may follow: its turn waits for it
    await stage.telegram.wait_confirmed()
    await stage.kill9()
    assert stage.model.calls == []
    await stage.start()
    await stage.answered()
    assert stage.shown(CHAT) == ["I read it all."]
    assert await stage.outcomes(CHAT) == ["answered"]
    await stage.verify(but=frozenset({CHAT}))


async def test_messages_that_waited_behind_a_turn_are_answered_with_it_in_order(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "first")
    await stage.model.until_held()
    stage.say(CHAT, "second")
    stage.say(CHAT, "third")
    await stage.telegram.wait_confirmed()
    await stage.kill9()
    await stage.start()
    await stage.answered()
    assert stage.shown(CHAT) == ["you said: third"]
    assert users(stage.model.calls[-1]) == ["first", "second", "third"]
    await stage.verify()


# --- K3, K4: the model has the request ------------------------------------------------------------


async def test_a_question_the_model_was_thinking_about_is_asked_again_and_answered_once(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    await stage.kill9()
    await stage.start()
    await stage.answered()
    assert len(stage.model.calls) == 2
    await stage.verify()


async def test_an_answer_cut_off_before_anything_of_it_was_shown_comes_whole(stage):
    stage.model.push(Item(text="you said: hel, but never to the end", hold=2))
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    await stage.kill9()
    await stage.start()
    await stage.answered()
    await stage.verify()


async def shown_for_certain(stage) -> None:
    """A preview is shown and its receipt written: a lane does one thing after the other."""
    await stage.telegram.wait_sent(CHAT)
    stage.say(CHAT, "/help")
    await stage.telegram.wait_sent(CHAT, 2)


def answers(stage) -> list[str]:
    return [text for text in stage.shown(CHAT) if not text.startswith("/help")]


async def test_half_an_answer_that_was_shown_becomes_the_whole_one_in_place(stage):
    stage.model.push(Item(text="you said: hel, but never to the end", hold=2))
    await stage.start()
    stage.say(CHAT, "hello")
    await shown_for_certain(stage)
    await stage.kill9()
    assert answers(stage) == ["you said"]
    await stage.start()
    await stage.answered()
    assert answers(stage) == ["you said: hello"]
    await stage.verify(but=frozenset({CHAT}))


async def test_half_an_answer_of_which_nobody_knows_whether_it_was_shown_is_followed_by_a_marked_one(stage):
    stage.model.push(Item(text="you said: hel, but never to the end", hold=2))
    stage.telegram.hold("sendMessage")
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_held("sendMessage")
    await stage.kill9()
    await stage.start()
    await stage.answered()
    assert stage.shown(CHAT) == ["you said", f"you said: hello{MARK}"]
    assert await stage.outcomes(CHAT) == ["answered"]
    await stage.verify(but=frozenset({CHAT}))


async def test_an_answer_in_the_middle_of_its_last_edit_stands_there_once(stage):
    stage.model.push(Item(text="you said: hello", hold=2))
    stage.telegram.hold("editMessageText")
    await stage.start()
    stage.say(CHAT, "hello")
    await shown_for_certain(stage)
    stage.model.release()
    await stage.telegram.wait_held("editMessageText")
    await stage.kill9()
    await stage.start()
    await stage.answered()
    assert answers(stage) == ["you said: hello"]
    assert len(stage.model.calls) == 1
    await stage.verify(but=frozenset({CHAT}))


# --- K5: a tool has acted -------------------------------------------------------------------------


async def test_a_charge_that_was_made_is_not_made_again_and_the_person_is_told_that_it_is_unknown(stage):
    stage.effects.hold("after")
    await stage.start()
    stage.say(CHAT, "charge apples")
    await stage.effects.wait_held("after")
    await stage.kill9()
    stage.effects.release()
    await stage.start()
    await stage.answered()
    assert [effect["what"] for effect in stage.effects.done] == ["apples"]
    assert stage.shown(CHAT) == [f"you said: charge apples; {UNKNOWN}"]
    await stage.verify()


async def test_a_charge_that_was_about_to_be_made_is_not_made_behind_the_models_back(stage):
    stage.effects.hold("before")
    await stage.start()
    stage.say(CHAT, "charge apples")
    await stage.effects.wait_held("before")
    await stage.kill9()
    stage.effects.release()
    await stage.start()
    await stage.answered()
    assert stage.effects.done == []
    assert stage.shown(CHAT) == [f"you said: charge apples; {UNKNOWN}"]
    await stage.verify()


async def test_what_may_be_done_twice_is_done_again_under_the_same_id(stage):
    stage.effects.hold("after")
    await stage.start()
    stage.say(CHAT, "renew the lease")
    await stage.effects.wait_held("after")
    await stage.kill9()
    stage.effects.release()
    await stage.start()
    await stage.answered()
    first, second = stage.effects.done
    assert first["op"] == second["op"]
    assert first["pid"] != second["pid"]
    assert stage.shown(CHAT) == ["you said: renew the lease; renew the lease: done"]
    await stage.verify()


async def test_a_charge_whose_result_was_written_down_is_remembered(stage):
    await stage.start()
    stage.effects.hold("after")
    stage.say(CHAT, "charge apples; charge pears")
    await stage.effects.wait_held("after")
    stage.model.push(HELD)
    stage.effects.release()
    await stage.model.until_held()
    await stage.kill9()
    await stage.start()
    await stage.answered()
    assert [effect["what"] for effect in stage.effects.done] == ["apples", "pears"]
    assert stage.shown(CHAT) == [
        "you said: charge apples; charge pears; charge apples: done; charge pears: done"
    ]
    await stage.verify()


# --- K6, K7, K8: the answer is on its way ---------------------------------------------------------


async def test_an_answer_that_the_model_gave_and_nobody_read_comes_once(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    stage.freeze()
    stage.model.release()
    await wait_all_tasks_blocked()
    assert stage.model.calls[0].became == "answered"
    await stage.kill9()
    assert stage.telegram.counts["sendMessage"] == 0
    await stage.start()
    await stage.answered()
    await stage.verify()


async def test_an_answer_that_telegram_put_off_comes_after_the_crash_unmarked(stage):
    stage.telegram.refuse("sendMessage", 429, retry_after=9)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.daemon.says("send retried")
    await stage.kill9()
    assert stage.shown(CHAT) == []
    await stage.start()
    await stage.answered()
    assert stage.shown(CHAT) == ["you said: hello"]
    assert len(stage.model.calls) == 1
    await stage.verify()


async def test_an_answer_of_which_nobody_knows_whether_it_arrived_comes_once_more_marked(stage):
    stage.telegram.hold("sendMessage")
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_held("sendMessage")
    await stage.kill9()
    assert stage.shown(CHAT) == ["you said: hello"]
    await stage.start()
    await stage.answered()
    assert stage.shown(CHAT) == ["you said: hello", f"you said: hello{MARK}"]
    assert len(stage.model.calls) == 1
    await stage.verify(repeats=1)


async def test_an_answer_lost_on_the_way_to_telegram_comes_marked(stage):
    stage.telegram.hold_before("sendMessage")
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_held("sendMessage")
    await stage.kill9()
    assert stage.shown(CHAT) == []
    await stage.start()
    await stage.answered()
    assert stage.shown(CHAT) == [f"you said: hello{MARK}"]
    await stage.verify()


async def test_an_answer_that_may_have_arrived_twice_is_not_sent_a_third_time(stage):
    stage.telegram.hold("sendMessage", times=2)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_held("sendMessage")
    await stage.kill9()
    await stage.start()
    await stage.telegram.wait_held("sendMessage")
    await stage.kill9()
    await stage.start()
    await stage.answered()
    assert len(stage.daemon.said("send given up")) == 1
    assert stage.shown(CHAT) == ["you said: hello", f"you said: hello{MARK}", MAY_BE_MISSING]
    stage.say(CHAT, "still there?")
    await stage.answered()
    assert [row["reply"] for row in await stage.ledger()] == ["maybe", "said"]
    await stage.verify(repeats=1)


async def test_a_long_answer_cut_between_its_parts_goes_on_with_the_part_that_is_unknown(stage):
    parts = [letter * 4000 for letter in "abc"]
    stage.model.push(Item(text="\n\n".join(parts)))
    stage.telegram.hold("sendMessage")
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_held("sendMessage")
    stage.telegram.release()
    stage.telegram.hold("sendMessage")
    await stage.telegram.wait_sent(CHAT, 2)
    await stage.telegram.wait_held("sendMessage")
    await stage.kill9()
    await stage.start()
    await stage.answered()
    shown = ["".join(text.split()) for text in stage.shown(CHAT)]
    assert shown == [parts[0], parts[1], parts[1] + MARK.strip(), parts[2]]
    await stage.verify(but=frozenset({CHAT}))


async def test_an_answer_that_was_confirmed_to_a_dead_process_comes_at_most_once_more_marked(stage):
    stage.telegram.hold("sendMessage")
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_held("sendMessage")
    stage.freeze()
    stage.telegram.release()
    await wait_all_tasks_blocked()
    await stage.kill9()
    await stage.start()
    await stage.answered()
    await stage.verify(repeats=1)


async def test_an_answer_that_arrived_is_not_sent_again_whatever_telegram_delivers_again(stage):
    await stage.start()
    message = stage.say(CHAT, "hello")
    await stage.answered()
    await stage.kill9()
    stage.telegram.redeliver(CHAT, message)
    await stage.start()
    await stage.answered()
    assert len(stage.model.calls) == 1
    assert stage.telegram.counts["sendMessage"] == 1
    await stage.verify()


# --- K9: the drain --------------------------------------------------------------------------------


async def test_what_was_cut_short_in_the_middle_of_a_shutdown_goes_on_and_what_came_meanwhile_is_kept(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    stage.daemon.signal(15)
    await stage.daemon.says("checkpoint", "turns=1")
    stage.say(CHAT + 1, "anybody there?")
    await stage.telegram.wait_sent(CHAT + 1)
    await stage.telegram.wait_confirmed()
    await stage.kill9()
    await stage.start()
    await stage.answered()
    notice, *repeat, answer = stage.shown(CHAT + 1)
    assert "going down" in notice
    assert repeat in ([], [notice + MARK])  # its receipt may not have been written
    assert answer == "you said: anybody there?"
    await stage.verify(but=frozenset({CHAT + 1}))


async def test_a_turn_that_ends_within_the_shutdown_is_answered_before_it(stage):
    stage.model.push(Item(text="you said: hello", hold=0))
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    stage.daemon.signal(15)
    await stage.daemon.says("checkpoint", "turns=1")
    stage.model.release()
    assert await stage.daemon.ended() == 0
    assert stage.shown(CHAT) == ["you said: hello"]
    await stage.start()
    await stage.answered()
    assert len(stage.daemon.said("resume verdict", "verdict=clean")) == 1
    await stage.verify()


async def test_a_turn_that_a_hurried_shutdown_cut_goes_on_after_it(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    stage.daemon.signal(15)
    await stage.daemon.says("checkpoint", "turns=1")
    await stage.stop()  # the second signal
    assert stage.shown(CHAT) == []
    await stage.start()
    await stage.answered()
    await stage.verify()


# --- commands -------------------------------------------------------------------------------------


async def test_what_was_stopped_stays_stopped(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    stage.say(CHAT, "/stop")
    await stage.telegram.wait_sent(CHAT)
    await stage.kill9()
    await stage.start()
    stage.say(CHAT, "and now?")
    await stage.answered()
    assert [text.removesuffix(MARK) for text in stage.shown(CHAT)][-1] == "you said: and now?"
    assert await stage.outcomes(CHAT) == ["stopped", "answered", "answered"]
    assert len(stage.model.calls) == 2
    await stage.verify(but=frozenset({CHAT}))


async def test_a_conversation_that_was_ended_does_not_come_back(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "a secret")
    await stage.model.until_held()
    stage.say(CHAT, "/new")
    await stage.telegram.wait_sent(CHAT)
    await stage.kill9()
    await stage.start()
    stage.say(CHAT, "what did I say?")
    await stage.answered()
    assert users(stage.model.calls[-1]) == ["what did I say?"]
    assert await stage.outcomes(CHAT) == ["superseded", "answered", "answered"]
    assert len(stage.model.calls) == 2
    await stage.verify(but=frozenset({CHAT}))


# --- crash upon crash -----------------------------------------------------------------------------


async def test_a_turn_that_is_killed_while_it_is_resumed_is_resumed_again_from_where_it_was(stage):
    await stage.start()
    stage.effects.hold("after")
    stage.say(CHAT, "charge apples; charge pears")
    await stage.effects.wait_held("after")
    stage.model.push(HELD, HELD)
    stage.effects.release()
    for _ in range(2):
        await stage.model.until_held()
        await stage.kill9()
        await stage.start()
    await stage.answered()
    assert [effect["what"] for effect in stage.effects.done] == ["apples", "pears"]
    assert len(stage.daemon.said("turn opened", "attempt=3")) == 1
    await stage.verify()


async def test_a_daemon_killed_while_it_starts_loses_nothing(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.model.until_held()
    await stage.kill9()
    await stage.begin()
    await stage.daemon.says("resume verdict")
    await stage.kill9()
    await stage.start()
    await stage.answered()
    await stage.verify()


async def test_a_message_that_kills_the_daemon_each_time_is_given_up_aloud_and_the_next_is_answered(stage):
    stage.model.push(HELD, HELD, HELD)
    await stage.start()
    stage.say(CHAT, "poison")
    for _ in range(3):
        await stage.model.until_held()
        await stage.kill9()
        await stage.start()
    await stage.telegram.wait_sent(CHAT)
    stage.say(CHAT, "hello")
    await stage.answered()
    notice, answer = stage.shown(CHAT)
    assert "interrupted" in notice
    assert answer == "you said: hello"
    assert await stage.outcomes(CHAT) == ["failed", "answered"]
    assert len(stage.model.calls) == 4
    await stage.verify(but=frozenset({CHAT}), fresh=frozenset({"hello"}))


async def test_an_operator_who_starts_without_resuming_leaves_nobody_waiting(stage):
    stage.model.push(HELD)
    await stage.start()
    stage.say(CHAT, "poison")
    await stage.model.until_held()
    await stage.kill9()
    await stage.start("--no-resume")
    await stage.telegram.wait_sent(CHAT)
    stage.say(CHAT, "hello")
    await stage.answered()
    notice, answer = stage.shown(CHAT)
    assert "interrupted" in notice
    assert answer == "you said: hello"
    assert await stage.outcomes(CHAT) == ["failed", "answered"]
    assert len(stage.model.calls) == 2
    await stage.verify(but=frozenset({CHAT}))


async def test_an_answer_goes_to_the_topic_and_the_message_that_asked_for_it(stage):
    group, topic = -1001, 5
    stage.model.push(HELD)
    stage.telegram.hold("sendMessage")
    await stage.start()
    asked = stage.say(group, "hello", user=CHAT, thread=topic)
    await stage.model.until_held()
    await stage.kill9()
    await stage.start()
    await stage.telegram.wait_held("sendMessage")
    await stage.kill9()
    await stage.start()
    await stage.answered()
    assert stage.shown(group) == ["you said: hello", f"you said: hello{MARK}"]
    assert {(shown.thread, shown.reply_to) for shown in stage.telegram.sent(group)} == {(topic, asked)}
    await stage.verify(repeats=1)


@pytest.mark.parametrize("held", ["after", "before"])
async def test_somebody_else_is_answered_while_one_turn_is_being_resumed(stage, held):
    stage.effects.hold(held)
    await stage.start()
    stage.say(CHAT, "renew the lease")
    await stage.effects.wait_held(held)
    await stage.kill9()
    await stage.start()
    await stage.effects.wait_held(held)
    stage.say(CHAT + 1, "hello")
    assert await stage.telegram.wait_sent(CHAT + 1) == ["you said: hello"]
    stage.effects.release()
    await stage.answered()
    await stage.verify()
