"""Killed while an answer is on its way (K6, K7, K8): it comes, at most once more, and that one is marked."""

from __future__ import annotations

from hermes_trio.text.sentences import MAY_BE_MISSING
from tests.crash.checks import MARK
from tests.crash.points import model_answered, model_called, send_confirmed, send_visible
from tests.crash.stage import CHAT
from tests.fakes.model_script import Item

TWICE = ["you said: hello", f"you said: hello{MARK}"]


async def test_an_answer_that_the_model_gave_and_nobody_read_comes_once(stage):
    await stage.start()
    await model_answered(stage, "hello")
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
    assert stage.shown(CHAT) == []
    await stage.lives_again()
    assert stage.shown(CHAT) == ["you said: hello"]
    assert len(stage.model.calls) == 1
    await stage.verify()


async def test_an_answer_of_which_nobody_knows_whether_it_arrived_comes_once_more_marked(stage):
    await stage.start()
    await send_visible(stage, "hello")
    assert stage.shown(CHAT) == ["you said: hello"]
    await stage.lives_again()
    assert stage.shown(CHAT) == TWICE
    assert len(stage.model.calls) == 1
    await stage.verify(repeats=1)


async def test_an_answer_lost_on_the_way_to_telegram_comes_marked(stage):
    stage.telegram.hold_before("sendMessage")
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.telegram.wait_held("sendMessage")
    assert stage.shown(CHAT) == []
    await stage.lives_again()
    assert stage.shown(CHAT) == [f"you said: hello{MARK}"]
    await stage.verify()


async def test_an_answer_that_may_have_arrived_twice_is_not_sent_a_third_time_and_that_is_said(stage):
    await stage.start()
    await send_visible(stage, "hello")
    await stage.kill9()
    stage.telegram.hold("sendMessage")
    await stage.start()
    await stage.telegram.wait_held("sendMessage")
    await stage.lives_again()
    assert len(stage.daemon.said("send given up")) == 1
    assert stage.shown(CHAT) == [*TWICE, MAY_BE_MISSING]
    stage.say(CHAT, "still there?")
    await stage.answered()
    assert [row["reply"] for row in await stage.ledger()] == ["maybe", "said"]
    await stage.verify(repeats=1)


async def test_a_long_answer_cut_between_its_parts_goes_on_with_the_part_that_is_unknown(stage):
    parts = [letter * 4000 for letter in "abc"]
    stage.model.push(Item(text="\n\n".join(parts)))
    await stage.start()
    await send_visible(stage, "hello")
    stage.telegram.release()
    stage.telegram.hold("sendMessage")
    await stage.telegram.wait_sent(CHAT, 2)
    await stage.telegram.wait_held("sendMessage")
    await stage.lives_again()
    shown = ["".join(text.split()) for text in stage.shown(CHAT)]
    assert shown == [parts[0], parts[1], parts[1] + MARK.strip(), parts[2]]
    await stage.verify(but=frozenset({CHAT}))


async def test_an_answer_that_was_confirmed_to_a_dead_process_comes_at_most_once_more_marked(stage):
    await stage.start()
    await send_confirmed(stage, "hello")
    await stage.lives_again()
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


async def test_an_answer_goes_to_the_topic_and_the_message_that_asked_for_it(stage):
    group, topic = -1001, 5
    stage.model.holds = [0]
    stage.telegram.hold("sendMessage")
    await stage.start()
    asked = stage.say(group, "hello", user=CHAT, thread=topic)
    await stage.model.until_held()
    await stage.kill9()
    await stage.start()
    await stage.telegram.wait_held("sendMessage")
    await stage.lives_again()
    assert stage.shown(group) == TWICE
    assert {(shown.thread, shown.reply_to) for shown in stage.telegram.sent(group)} == {(topic, asked)}
    await stage.verify(repeats=1)


# --- commands, answered before the crash -----------------------------------------------------------


async def commanded(stage, said: str, command: str, then: str) -> None:
    """What a turn works on is ended by a command, the daemon dies, and something else is said."""
    await stage.start()
    await model_called(stage, said)
    stage.say(CHAT, command)
    await stage.telegram.wait_sent(CHAT)
    await stage.kill9()
    await stage.start()
    stage.say(CHAT, then)
    await stage.answered()
    assert [text.removesuffix(MARK) for text in stage.shown(CHAT)][-1] == f"you said: {then}"
    assert len(stage.model.calls) == 2


async def test_what_was_stopped_stays_stopped(stage):
    await commanded(stage, "hello", "/stop", "and now?")
    assert await stage.outcomes(CHAT) == ["stopped", "answered", "answered"]
    await stage.verify(but=frozenset({CHAT}))


async def test_a_conversation_that_was_ended_does_not_come_back(stage):
    await commanded(stage, "a secret", "/new", "what did I say?")
    assert [message["content"] for message in stage.model.calls[-1].messages[1:]] == ["what did I say?"]
    assert await stage.outcomes(CHAT) == ["superseded", "answered", "answered"]
    await stage.verify(but=frozenset({CHAT}))
