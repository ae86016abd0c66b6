"""A boot's row is its lease: renewed in time or over, and what a boot that is over began is taken up."""

from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.errors import LeaseOver, StaleTurn
from hermes_trio.store.promises.nodes import PAGE
from hermes_trio.store.writer import GROUP_MAX
from hermes_trio.values.consequences import LookAround, Signalled, WakeKey
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import ConversationKey, Lane
from hermes_trio.values.stored import Interrupted, Reply
from tests.store.kit import KEY
from tests.store.shared import ACCOUNT, LEASE_S, SETUP

LANE = Lane("memory", "main", "ada", None)
CAN = {"takes_key": False, "live": True, "can_delete": True, "can_edit": True}


async def test_a_lease_is_renewed_until_it_ends_and_not_after(a_shared_store):
    async with a_shared_store() as shared:
        one = await shared.boot()
        shared.clock.time += LEASE_S - 0.001
        (me,) = (await one.renew()).nodes
        assert me.until == shared.clock.time + LEASE_S
        shared.clock.time += LEASE_S
        with pytest.raises(LeaseOver):
            await one.renew()


async def test_a_renewal_passes_all_who_wait_for_room_in_the_queue(a_shared_store, nursery):
    async with a_shared_store() as shared:
        one = await shared.boot()
        await one.store.hold_account(ACCOUNT)
        done = []

        async def accept(number):
            await one.accept(f"m{number}")
            done.append(number)

        shared.gate.shut = True
        for number in range(500):
            nursery.start_soon(accept, number)
        await wait_all_tasks_blocked()
        before = shared.gate.groups
        shared.gate.open()
        await one.renew()
        assert shared.gate.groups - before <= 2
        assert len(done) <= 2 * GROUP_MAX
        await wait_all_tasks_blocked(0.1)
        assert len(done) == 500


async def test_a_boot_is_buried_when_its_lease_has_ended_and_not_before(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        shared.clock.time += LEASE_S - 0.001
        renewal = await two.renew()
        assert (renewal.lapsed, renewal.looks_at) == ((), shared.clock.time + 0.001)
        assert not await two.store.bury(1, LEASE_S)
        shared.clock.time += 0.001
        assert (await two.renew()).lapsed == (1,)
        assert await two.store.bury(1, LEASE_S)
        assert not await two.store.bury(1, LEASE_S)
        assert (await two.renew()).looks_at is None
        with pytest.raises(LeaseOver):
            await one.accept("hello")
        assert shared.rows("select count(*) from inbound") == [(0,)]


async def test_what_was_queued_under_a_boot_does_not_run_under_the_next_of_its_process(a_shared_store):
    async with a_shared_store() as shared:
        one = await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        ended = []

        async def late():
            with pytest.raises(LeaseOver):
                await one.store.next_turn(KEY, 1)
            ended.append(True)

        shared.gate.shut = True
        async with trio.open_nursery() as nursery:
            for work in (one.renew, late, partial(one.store.join, SETUP, "", LEASE_S)):
                nursery.start_soon(work)
                await wait_all_tasks_blocked()
            shared.gate.open()
        assert ended == [True]
        assert shared.rows("select id from boot order by id") == [(1,), (2,)]
        assert (await one.store.next_turn(KEY, 1)).turn == 1
        assert shared.rows("select boot from turn") == [(2,)]


async def test_nobody_buries_itself(a_shared_store):
    async with a_shared_store() as shared:
        one = await shared.boot()
        shared.clock.time += LEASE_S
        assert not await one.store.bury(1, LEASE_S)


async def test_a_turn_whose_boot_lives_is_nobody_elses(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        opened = await one.store.next_turn(KEY, 1)
        assert await two.store.next_turn(KEY, 1) is None
        with pytest.raises(StaleTurn):
            await two.store.abandon(opened.turn, "why")


async def test_what_a_dead_boot_ran_gets_its_verdict_first_and_goes_on_then(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        opened = await one.store.next_turn(KEY, 1)
        await two.heard()
        shared.clock.time += LEASE_S - 1
        await two.renew()
        shared.clock.time += 1
        await two.store.bury(1, LEASE_S)
        assert (await two.renew()).free == (ACCOUNT,)
        assert WakeKey(KEY, 1) in await two.heard()

        found = await two.store.next_turn(KEY, 1)
        assert isinstance(found, Interrupted)
        assert (found.turn, found.interruptions) == (opened.turn, 1)
        adopted = await two.store.next_turn(KEY, 1, judged=opened.turn)
        assert (adopted.turn, adopted.attempt) == (opened.turn, 2)


async def test_a_burial_counts_what_the_dead_worked_on_last_and_nothing_else(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        for nth, user in enumerate(("ran", "was done", "is elsewhere"), 1):
            await one.accept("hello", user=user)
            await (two if nth == 3 else one).store.next_turn(ConversationKey("memory", "main", user), nth)
        shared.execute("update turn set state = 'finished' where id = 2")
        shared.execute("update session set interrupted = 2")
        shared.clock.time += LEASE_S - 1
        await two.renew()
        shared.clock.time += 1
        await two.store.bury(1, LEASE_S)
        assert shared.rows("select id, interrupted from session order by id") == [(1, 3), (2, 0), (3, 2)]


async def test_only_the_calls_of_the_dead_are_in_doubt(a_shared_store):
    async with a_shared_store() as shared:
        one, two, three = [await shared.boot() for _ in range(3)]
        await one.store.hold_account(ACCOUNT)
        await _owes(one, "one")
        assert await one.store.begin_delivery(LANE, **CAN)
        await one.store.hand_account(ACCOUNT)
        await two.store.hold_account(ACCOUNT)
        assert await two.store.begin_delivery(LANE, **CAN) is None  # its call is under way at one
        shared.clock.time += LEASE_S - 1
        await two.renew()
        await three.renew()
        shared.clock.time += 1
        await two.store.bury(1, LEASE_S)
        assert shared.rows("select begun, unknown from outbound") == [(0, 1)]
        begun = await two.store.begin_delivery(LANE, **CAN)
        assert (begun.attempts, begun.row) == (2, 1)
        shared.clock.time += LEASE_S - 2
        await two.renew()
        shared.clock.time += 2
        assert await two.store.bury(3, LEASE_S)
        assert shared.rows("select begun, unknown from outbound") == [(1, 1)]


async def test_a_call_that_ended_after_its_account_was_handed_over_wakes_the_lane_there(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await _owes(one, "one")
        begun = await one.store.begin_delivery(LANE, **CAN)
        await one.store.hand_account(ACCOUNT)
        await two.store.hold_account(ACCOUNT)
        await two.heard()
        assert not await one.store.record_delivery(begun.row, "m1")
        (signal,) = await two.heard()
        assert signal.what.lane == LANE
        assert shared.rows("select state, message_id from outbound") == [("sent", "m1")]


async def test_what_a_call_became_is_said_by_whoever_made_it(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await _owes(one, "one")
        begun = await one.store.begin_delivery(LANE, **CAN)
        assert not await two.store.record_delivery(begun.row, "m1")
        await two.store.fail_delivery(begun.row, "failed", "why")
        assert shared.rows("select state, message_id from outbound") == [("sending", None)]


async def test_whoever_leaves_wakes_the_others_and_its_turns_are_not_counted(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        await one.store.next_turn(KEY, 1)
        await two.heard()
        await one.store.drain()
        assert await two.heard() == [Signalled(LookAround())]
        assert (await two.renew()).free == (ACCOUNT,)
        assert (await one.renew()).free == ()
        await one.store.leave()
        assert await two.heard() == [Signalled(LookAround())]
        assert (await two.store.next_turn(KEY, 1)).interruptions == 0
        await two.store.leave()
        assert shared.rows("select interrupted from session") == [(0,)]


async def test_with_nobody_to_take_it_up_a_turn_that_was_left_counts(a_shared_store):
    async with a_shared_store() as shared:
        one = await shared.boot()
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        await one.store.next_turn(KEY, 1)
        await one.store.leave()
        assert shared.rows("select interrupted, clean from session, boot") == [(1, 0)]


async def _owes(boot, text):
    await boot.accept("/x")
    command = await boot.store.next_command(KEY)
    reply = Reply(address=command.message.address, parts=(Part(text),), said="reply")
    await boot.store.settle(command.id, "answered", "", reply)


async def test_thousands_of_keys_that_wait_are_woken_page_by_page(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot(), await shared.boot()
        await one.store.hold_account(ACCOUNT)
        users = [f"u{n:04}" for n in range(2 * PAGE + 1)]
        for user in users:
            await one.accept("hello", user=user)
        [(last,)] = shared.rows("select max(key) from inbound")
        await one.heard()
        await two.heard()
        woken, pages = set(), 0
        for boot in (one, two):
            behind = (await boot.renew()).behind
            while behind is not None:
                assert len(boot.followed) - len(woken) <= PAGE
                pages, behind = pages + 1, await boot.store.wake_idle(behind)
                assert behind is None or behind < last
            woken |= {what.key.chat for what in boot.followed if isinstance(what, WakeKey)}
        assert woken == {*users}
        assert pages == 4


async def test_who_lost_its_lease_and_goes_on_as_another_boot_has_not_died(a_shared_store):
    async with a_shared_store() as shared:
        one, two = await shared.boot("one"), await shared.boot("two")
        await one.store.hold_account(ACCOUNT)
        await one.accept("hello")
        assert (await one.store.next_turn(KEY, 1)).turn == 1
        for last in (1, 3, 4, 5):
            booted = await one.store.join(SETUP, "one", LEASE_S, last)
            assert not booted.guarded
        assert shared.rows("select interrupted from session") == [(1,)]
        assert shared.rows("select count(*) from account_holder") == [(0,)]
        assert isinstance(await two.store.next_turn(KEY, 1), Interrupted)
