"""Messages that wait for a key, and keys that rest, on each engine: what stands in the rows."""

from __future__ import annotations

import pytest

from hermes_trio.errors import StaleTurn
from hermes_trio.values.consequences import Deferred, WakeKey
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.key_state import Cooldown, KeyCooldown
from hermes_trio.values.stored import Closing, Reply
from tests.store.kit import KEY, a_store

pytestmark = pytest.mark.usefixtures("each_engine")
ADA = Address("memory", "main", "ada", None, "ada")
START = 1_800_000_000.0
COOLDOWN = KeyCooldown(
    fingerprint="f", model="", pool="p", place="1/1", cooldown=Cooldown("quota", 1.0, 2.0, 1, 1.0)
)


def kept(until: float) -> Closing:
    notice = Reply(address=ADA, parts=(Part("kept"),), said="notice")
    return Closing(state="stopped", reason="deferred", until=until, reply=notice)


async def defer(kit, *texts: str, user: str = "ada", until: float = START + 600):
    """Messages that a turn has taken and no key could answer."""
    await kit.accept(*texts, user=user)
    key = ConversationKey("memory", "main", user)
    (session,) = kit.rows("select id from session where key like ? and ended_at is null", f'%"{user}"%')[0]
    opened = await kit.store.next_turn(key, session)
    await kit.store.close_turn(opened.turn, kept(until))
    return opened


def texts_of(opened) -> list[str]:
    return [claimed.message.text for claimed in opened.messages]


async def test_a_deferred_message_has_no_outcome_and_no_turn_looks_at_it_before_its_time(autojump_clock):
    async with a_store() as kit:
        opened = await defer(kit, "one")
        assert Deferred(START + 600) in kit.followed
        assert kit.rows("select state, outcome, turn from inbound") == [("deferred", None, None)]
        assert kit.rows("select state, reason from turn") == [("stopped", "deferred")]
        assert await kit.store.next_turn(KEY, opened.session) is None
        assert await kit.store.retry_deferred() == START + 600


async def test_what_comes_later_takes_it_along_in_its_place(autojump_clock):
    async with a_store() as kit:
        opened = await defer(kit, "one")
        await kit.accept("two")
        again = await kit.store.next_turn(KEY, opened.session)
        assert texts_of(again) == ["one", "two"]
        assert [claimed.in_history for claimed in again.messages] == [True, False]


async def test_more_deferred_ones_than_a_turn_takes_go_first(autojump_clock):
    async with a_store() as kit:
        texts = [f"m{n:02}" for n in range(25)]
        await kit.accept(*texts)
        first = await kit.store.next_turn(KEY, 1)
        await kit.store.close_turn(first.turn, kept(START + 600))
        assert kit.rows("select distinct state from inbound") == [("deferred",)]
        assert await kit.store.next_turn(KEY, 1) is None
        await kit.accept("new")
        assert texts_of(await kit.store.next_turn(KEY, 1)) == texts[:20]


async def test_the_notice_is_said_once_for_each_message_and_for_those_behind_it(autojump_clock):
    async with a_store() as kit:
        await kit.accept("one")
        opened = await kit.store.next_turn(KEY, 1)
        await kit.accept("two")
        await kit.store.close_turn(opened.turn, kept(START + 5))
        kit.clock.time += 5
        await kit.store.retry_deferred()
        opened = await kit.store.next_turn(KEY, 1)
        assert texts_of(opened) == ["one", "two"]
        await kit.store.close_turn(opened.turn, kept(START + 10))
        assert kit.rows("select count(*) from outbound where said = 'notice'") == [(1,)]
        await kit.accept("three")
        opened = await kit.store.next_turn(KEY, 1)
        await kit.store.close_turn(opened.turn, kept(START + 10))
        assert kit.rows("select count(*) from outbound where said = 'notice'") == [(2,)]


async def test_what_stands_behind_an_unsettled_command_is_left_alone(autojump_clock):
    async with a_store() as kit:
        await kit.accept("one")
        opened = await kit.store.next_turn(KEY, 1)
        await kit.accept("/status", "two")
        await kit.store.close_turn(opened.turn, kept(START + 5))
        assert kit.rows("select state from inbound order by id") == [
            ("deferred",),
            ("waiting",),
            ("waiting",),
        ]


async def test_a_turn_that_was_ended_meanwhile_keeps_nothing(autojump_clock):
    async with a_store() as kit:
        await kit.accept("one")
        opened = await kit.store.next_turn(KEY, 1)
        await kit.store.stop(KEY, None, "test")
        with pytest.raises(StaleTurn):
            await kit.store.close_turn(opened.turn, kept(START + 5))
        assert kit.rows("select outcome from inbound") == [("stopped",)]


async def test_of_several_overdue_conversations_one_is_tried_at_a_time_the_longest_overdue_first(
    autojump_clock,
):
    async with a_store() as kit:
        await defer(kit, "a", user="ada", until=START + 20)
        await defer(kit, "b", user="bob", until=START + 10)
        await defer(kit, "e", user="eve", until=START + 500)
        kit.clock.time = START + 20
        kit.followed.clear()
        assert await kit.store.retry_deferred() == START + 50
        assert [each.key.chat for each in kit.followed] == ["bob"]
        assert await kit.store.retry_deferred() == START + 500
        assert [each.key.chat for each in kit.followed] == ["bob", "ada"]
        kit.clock.time = START + 500
        assert await kit.store.retry_deferred() is None


async def test_a_key_that_rests_no_longer_wakes_all(autojump_clock):
    async with a_store() as kit:
        await defer(kit, "a", user="ada")
        await defer(kit, "b", user="bob")
        await kit.store.keep_cooldowns([COOLDOWN], [])
        assert kit.rows("select count(*) from inbound where state = 'deferred'") == [(2,)]
        kit.followed.clear()
        await kit.store.keep_cooldowns([], [("f", "")])
        assert kit.rows("select state, due from inbound") == [("waiting", None)] * 2
        assert {each.key.chat for each in kit.followed if isinstance(each, WakeKey)} == {"ada", "bob"}


async def test_a_reset_by_command_ends_what_is_deferred_and_another_reset_keeps_it(autojump_clock):
    async with a_store() as kit:
        await defer(kit, "one")
        new = await kit.store.reset(KEY, None, "operator")
        assert kit.rows("select state from inbound") == [("deferred",)]
        await kit.accept("/new", "two")
        command = await kit.store.next_command(KEY)
        await kit.store.reset(KEY, command.id, "asked")
        assert kit.rows("select outcome from inbound order by id") == [
            ("superseded",),
            ("answered",),
            (None,),
        ]
        assert texts_of(await kit.store.next_turn(KEY, new + 1)) == ["two"]
