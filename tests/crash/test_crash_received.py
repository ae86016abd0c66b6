"""Killed before a message is worked on (K1, K2): what was handed over, or confirmed, is answered once."""

from __future__ import annotations

from tests.crash.outside import users
from tests.crash.points import handed_over, model_called
from tests.crash.stage import CHAT
from tests.fakes.model_script import Item


async def test_without_a_crash_a_message_is_answered(stage):
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.answered()
    assert stage.shown(CHAT) == ["you said: hello"]
    assert await stage.printed_ledger() == await stage.ledger()
    await stage.verify()


async def test_a_message_that_was_handed_over_and_never_read_is_answered(stage):
    await stage.start()
    await handed_over(stage, "hello")
    await stage.kill9()
    with stage.store() as db:
        assert db.execute("select count(*) from inbound").fetchone() == (0,)
    await stage.start()
    await stage.answered()
    await stage.verify()


async def is_never_confirmed(stage) -> int:
    """Something is said, and the daemon's word that it has it does not arrive."""
    await stage.start()
    await stage.telegram.until(lambda: stage.telegram.pollers)
    stage.telegram.hold_before("getUpdates")
    message = stage.say(CHAT, "hello")
    await stage.telegram.wait_held("getUpdates")
    return message


async def test_a_message_whose_confirmation_was_lost_is_answered_once_though_it_comes_again(stage):
    stage.model.holds = [0]
    message = await is_never_confirmed(stage)
    await stage.model.until_held()
    assert stage.telegram.offsets == []
    await stage.kill9()
    stage.telegram.redeliver(CHAT, message)
    await stage.start()
    await stage.answered()
    await stage.verify()


async def test_a_message_that_was_answered_and_never_confirmed_is_not_answered_again(stage):
    message = await is_never_confirmed(stage)
    await stage.rest(CHAT)
    await stage.kill9()
    stage.telegram.redeliver(CHAT, message)
    await stage.start()
    await stage.answered()
    assert len(stage.model.calls) == 1
    await stage.verify()


async def test_a_message_that_telegram_has_forgotten_and_the_model_never_saw_is_answered(stage):
    stage.model.push(Item(text="I read it all."))
    await stage.start()
    stage.say(CHAT, "a long text " * 341)  # so long that its second half may follow: its turn waits for it
    await stage.telegram.wait_confirmed()
    await stage.lives_again()
    assert len(stage.model.calls) == 1
    assert stage.shown(CHAT) == ["I read it all."]
    assert await stage.outcomes(CHAT) == ["answered"]
    await stage.verify(but=frozenset({CHAT}))


async def test_messages_that_waited_behind_a_turn_are_answered_with_it_in_order(stage):
    await stage.start()
    await model_called(stage, "first")
    stage.say(CHAT, "second")
    stage.say(CHAT, "third")
    await stage.telegram.wait_confirmed()
    await stage.lives_again()
    assert stage.shown(CHAT) == ["you said: third"]
    assert users(stage.model.calls[-1]) == ["first", "second", "third"]
    await stage.verify()
