"""One boot's task works on a key, one boot holds an account; what a commit causes goes where they are."""

import pytest

from hermes_trio.errors import NotHolder
from hermes_trio.values.consequences import (
    CancelTurn,
    Elsewhere,
    ReplaceKey,
    Signalled,
    WakeCommands,
    WakeKey,
)
from hermes_trio.values.homes import home
from hermes_trio.values.stored import Closing
from tests.store.kit import KEY, RULES, a_message
from tests.store.shared import ACCOUNT, LEASE_S


async def test_what_concerns_a_key_goes_to_the_boot_whose_task_works_on_it(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        opened = await two.store.next_turn(KEY, 1)
        await one.heard(), await two.heard()

        await one.accept("more")
        assert WakeKey(KEY, 1) not in await one.heard()
        assert await two.heard() == [Signalled(WakeKey(KEY, 1))]

        stopped = await one.store.stop(1, None, "operator")
        assert stopped.turn == opened.turn
        assert Signalled(CancelTurn(KEY, opened.turn, "operator")) in await two.heard()

        await one.store.reset(1, None, "operator")
        assert ReplaceKey(KEY, 2, "operator", "operator") not in await one.heard()
        assert Signalled(ReplaceKey(KEY, 2, "operator", "operator")) in await two.heard()


async def test_a_reset_has_its_line_where_it_was_asked_for(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        await two.store.next_turn(KEY, 1)
        await one.heard()
        await one.store.reset(1, None, "operator")
        assert Elsewhere(ReplaceKey(KEY, 2, "operator", "operator")) in await one.heard()


async def test_after_a_cut_nobody_else_opens_a_turn_until_the_task_has_left(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("first")
        await one.store.next_turn(KEY, 1)
        await one.accept("second")
        await two.store.stop(1, None, "operator")
        assert await two.store.next_turn(KEY, 1) is None
        await two.heard(), await one.heard()
        await one.store.leave_key(KEY)
        woken = [getattr(what, "what", what) for what in (*await one.heard(), *await two.heard())]
        assert woken == [WakeKey(KEY, 1)]
        assert (await two.store.next_turn(KEY, 1)).messages[0].message.text == "second"


async def test_a_turn_that_is_closed_with_nothing_behind_it_gives_its_key_back(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("first")
        opened = await one.store.next_turn(KEY, 1)
        await one.accept("second")
        await one.store.close_turn(opened.turn, Closing(state="finished"))
        assert await two.store.next_turn(KEY, 1) is None
        opened = await one.store.next_turn(KEY, 1)
        await one.store.close_turn(opened.turn, Closing(state="finished"))
        assert shared.rows("select * from key_task") == []


async def test_a_key_without_work_is_nobodys(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        shared.execute("update inbound set outcome = 'dropped', state = null")
        assert await two.store.next_turn(KEY, 1) is None
        assert shared.rows("select * from key_task") == []


async def test_a_key_with_work_and_no_task_is_woken_at_its_home_at_the_next_renewal(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        users = [f"u{n}" for n in range(20)]
        for user in users:
            await one.accept("hello", user=user)
        await one.accept("/status")
        shared.execute("delete from signal")
        one.followed.clear(), two.followed.clear()
        woken = []
        for boot, number in ((one, 1), (two, 2)):
            await boot.renew()
            for what in await boot.heard():
                assert isinstance(what, WakeKey | WakeCommands)
                woken.append((what.key.chat, number))
        assert {chat for chat, _ in woken} == {*users, "ada"}
        assert len(woken) == 21
        assert len({number for _, number in woken}) == 2


async def test_an_account_is_heard_by_its_holder_alone(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        assert (await one.store.hold_account(ACCOUNT)).cursor is None
        assert await two.store.hold_account(ACCOUNT) is None
        await one.store.accept(ACCOUNT, [], "7", RULES)
        with pytest.raises(NotHolder):
            await two.store.accept(ACCOUNT, [a_message("hello")], "8", RULES)
        assert shared.rows("select value from cursor") == [("7",)]
        await one.store.hand_account(ACCOUNT)
        assert (await two.store.hold_account(ACCOUNT)).cursor == "7"
        with pytest.raises(NotHolder):
            await one.store.accept(ACCOUNT, [], "8", RULES)


async def test_a_signal_is_taken_once_and_one_to_the_dead_by_whom_it_concerns_now(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        await two.store.next_turn(KEY, 1)
        await one.accept("more")
        shared.clock.time += LEASE_S - 1
        await one.renew()
        shared.clock.time += 1
        await one.store.bury(2, LEASE_S)
        one.followed.clear()
        assert Signalled(WakeKey(KEY, 1)) in await one.heard()
        assert await one.heard() == []
        assert shared.rows("select count(*) from signal where boot <> 2") == [(0,)]


def test_when_a_boot_goes_only_its_own_keys_move():
    keys = [f"key {n}" for n in range(300)]
    before = {key: home(key, [1, 2, 3]) for key in keys}
    after = {key: home(key, [1, 3]) for key in keys}
    assert {key for key in keys if before[key] != after[key]} == {key for key in keys if before[key] == 2}
    assert all(60 < sum(boot == one for boot in before.values()) < 140 for one in (1, 2, 3))
    assert home("key", []) is None
