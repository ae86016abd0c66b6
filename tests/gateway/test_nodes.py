"""Two gateways on one store are one gateway."""

import pytest
import trio

from hermes_trio.gateway.lease import BootLease
from hermes_trio.runtime.outage import Outage
from hermes_trio.runtime.stop_times import stop_s
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.testing.crashing_store import Hang
from hermes_trio.testing.nodes import open_nodes
from tests.gateway.node_scenes import HINT_S, LEASE_S, at_home, rows, turns_of, two, until


async def agent(turn):
    """Works as long as it was told, in its first attempt; or for ever."""
    said = turn.text
    if said.startswith("nap "):
        await turn.sleep(float(said.split()[1]))
    if said == "keep on":
        await trio.sleep_forever()
    if said.startswith("work ") and turn.attempt == 1:
        await trio.sleep(float(said.split()[1]))
    return f"done: {said}"


@pytest.fixture
async def world(autojump_clock):
    async with open_world(agent, start=False) as world:
        yield world


async def a_long_turn(world, at, work_s=30.0):
    """Who waits for a turn that works so long on the node of this boot, where its key is at home."""
    return await at_home(world, f"work {work_s:g}", at)


async def test_both_serve_one_platform_and_turns_run_at_the_home_of_their_key(world, nodes):
    await two(nodes)
    users = [f"u{n}" for n in range(10)]
    for user in users:
        await world.say(user, "hello")
    assert [await world.reply(user) for user in users] == ["done: hello"] * 10
    assert rows(world, "select distinct boot from turn order by boot") == [(1,), (2,)]
    assert rows(world, "select boot from account_holder") == [(1,)]
    assert rows(world, "select distinct outcome from inbound") == [("answered",)]


async def test_a_stop_on_one_node_cancels_the_turn_on_the_other_at_once(world, nodes):
    one, other = await two(nodes)
    user = await a_long_turn(world, at=2)
    ((session,),) = rows(world, "select session from turn where boot = 2")
    at = world.now
    assert await one.now.gateway.stop(session)
    assert "stopped" in await world.reply(user)
    await until(world, lambda: not other.now.gateway.wiring.sessions.live)
    assert world.now - at <= HINT_S
    assert rows(world, "select * from key_task where boot = 2") == []


async def test_a_stop_whose_hint_was_lost_arrives_with_the_next_renewal(world, nodes):
    one, other = await two(nodes)
    await a_long_turn(world, at=2)
    ((session,),) = rows(world, "select session from turn where boot = 2")
    nodes.stores["one"].hints(lambda: None)
    at = world.now
    await one.now.gateway.stop(session)
    await until(world, lambda: not other.now.gateway.wiring.sessions.live)
    assert HINT_S < world.now - at <= LEASE_S / 3


async def test_a_reset_in_the_chat_ends_the_turn_wherever_it_runs(world, nodes):
    await two(nodes)
    user = await a_long_turn(world, at=2)
    await world.say(user, "/new")
    await world.reply(user)
    at = world.now
    await world.say(user, "again")
    assert await world.reply(user) == "done: again"
    assert world.now - at <= HINT_S
    assert [state for state, *_ in turns_of(world, user)] == ["reset", "finished"]


async def test_what_a_killed_node_worked_on_goes_on_at_the_other_when_its_lease_has_ended(world, nodes):
    one, _ = await two(nodes)
    user = await a_long_turn(world, at=1)
    ((left,),) = rows(world, f"select until - {world.clock.now()} from boot where id = 1")
    at = world.now
    one.crash()
    await world.say("late", "hello")
    assert await world.reply("late") == "done: hello"
    assert world.now - at == pytest.approx(left, abs=0.1)
    assert rows(world, "select boot from account_holder") == [(2,)]
    assert await world.reply(user) == "done: work 30"
    assert world.now - at <= LEASE_S + 1
    assert turns_of(world, user) == [("finished", 2, 2)]
    await world.until(seconds=world.now + 60)
    assert len(world.shown(user)) == len(world.shown("late")) == 1
    assert rows(world, "select distinct outcome from inbound") == [("answered",)]


async def test_an_account_that_its_holder_does_not_hear_is_handed_on_and_not_back_and_forth(world, nodes):
    one, _ = await two(nodes)
    await world.until(seconds=world.now + 1)
    at = world.now
    one.now.cut_off()
    await world.until(seconds=world.now + 0.01)
    await world.say("ada", "hello")
    assert await world.reply("ada") == "done: hello"
    assert LEASE_S - 1 <= world.now - at <= LEASE_S * 4 / 3 + 1
    await world.until(seconds=world.now + 10 * LEASE_S)
    assert rows(world, "select boot from account_holder") == [(2,)]
    assert [line["account"] for line in world.lines("account handed on")] == ["memory/main"]
    assert "memory/main" not in one.now.gateway.health()


async def test_where_nobody_hears_it_an_account_is_tried_by_each_in_its_turn(world, nodes):
    one, other = await two(nodes)
    for node in (one, other):
        node.now.cut_off()
    await world.until(seconds=world.now + 10 * LEASE_S)
    assert 5 <= len(world.lines("account handed on")) <= 10


async def test_who_is_alone_keeps_an_account_that_it_does_not_hear(world, nodes):
    one = nodes.node("one")
    await one.start()
    one.now.cut_off()
    await world.until(seconds=world.now + 10 * LEASE_S)
    assert rows(world, "select boot from account_holder") == [(1,)]
    assert world.lines("account handed on") == []


async def test_a_shorter_lease_is_over_sooner(world, nodes):
    nodes.lease_s = 6.0
    one, _ = await two(nodes)
    user = await a_long_turn(world, at=1, work_s=100)
    at = world.now
    one.crash()
    assert await world.reply(user) == "done: work 100"
    assert nodes.lease_s / 3 <= world.now - at <= nodes.lease_s + 1


async def test_whoever_is_asked_to_stop_hands_its_account_over_within_a_second(world, nodes):
    one, _ = await two(nodes)
    user = await a_long_turn(world, at=1, work_s=10)
    at = world.now
    one.now.stop.set()
    await world.say("late", "hello")
    assert await world.reply("late") == "done: hello"
    assert world.now - at <= 1
    assert rows(world, "select boot from account_holder") == [(2,)]
    assert await world.reply(user) == "done: work 10"
    assert turns_of(world, user) == [("finished", 1, 1)]  # it finishes there, and is said here
    await one.stop()
    assert rows(world, "select ended_at is not null, clean from boot where id = 1") == [(1, 1)]


async def test_whoever_is_asked_to_stop_before_it_has_heard_of_the_other_hands_over_as_quickly(world, nodes):
    one, other = nodes.node("one"), nodes.node("other")
    await one.start()
    await world.say("ada", "work 10")
    await until(world, lambda: turns_of(world, "ada"))
    nodes.stores["one"].hinted = lambda: None
    await other.start()
    at = world.now
    one.now.stop.set()
    await world.say("late", "hello")
    assert await world.reply("late") == "done: hello"
    assert world.now - at <= 1
    assert rows(world, "select boot from account_holder") == [(2,)]
    assert await world.reply("ada") == "done: work 10"


async def test_a_turn_that_does_not_finish_in_time_goes_on_at_the_other_and_is_not_counted(world, nodes):
    one, _ = await two(nodes)
    user = await a_long_turn(world, at=1, work_s=100)
    at = world.now
    await one.stop()
    assert world.now - at == 20.0
    assert await world.reply(user) == "done: work 100"
    assert world.now - at <= 21
    assert turns_of(world, user) == [("finished", 2, 2)]
    assert rows(world, "select distinct interrupted from session") == [(0,)]


async def test_three_rolling_restarts_suspend_nobody(world, nodes):
    one, other = await two(nodes)
    await world.say("ada", "keep on")
    await until(world, lambda: turns_of(world, "ada"))
    for _ in range(3):
        for node in (one, other):
            await node.stop()
            await node.start()
    ((state, attempt, _),) = turns_of(world, "ada")
    assert (state, attempt >= 4) == ("running", True)
    assert rows(world, "select interrupted, ended_at from session") == [(0, None)]


async def test_a_node_that_is_cut_off_from_the_store_begins_anew_as_another_boot(world, nodes):
    await two(nodes)
    user = await a_long_turn(world, at=1, work_s=20)
    at = world.now
    nodes.stores["one"].hangs = Hang(1, for_s=60.0)
    await world.say("late", "hello")
    assert await world.reply(user) == "done: work 20"
    assert await world.reply("late") == "done: hello"
    assert world.now - at <= LEASE_S + 1
    await world.until(seconds=at + 100)
    assert rows(world, "select node, buried_at is not null from boot order by id") == [
        ("one", 1),
        ("other", 0),
        ("one", 0),
    ]
    assert turns_of(world, user) == [("finished", 2, 2)]
    assert [line["level"] for line in world.lines("lease over")] == ["error"]
    await world.say(user, "again")
    assert await world.reply(user) == "done: again"
    assert [len(world.shown(chat)) for chat in (user, "late")] == [2, 1]


@pytest.mark.parametrize("ahead_s", [600.0, -600.0])
async def test_a_turn_that_sleeps_wakes_in_time_where_clocks_are_wrong(world, nodes, ahead_s):
    nodes.skew("one", ahead_s)
    one, _ = await two(nodes)
    for n in range(100):
        user, at = f"user-{n}-", world.now
        await world.say(user, "nap 60")
        await until(world, lambda: turns_of(world, user))  # noqa: B023
        if turns_of(world, user) == [("running", 1, 1)]:
            break
    await world.until(seconds=at + 10)
    one.crash()
    assert await world.reply(user) == "done: nap 60"
    assert 60 <= world.now - at < 60.1
    assert turns_of(world, user) == [("finished", 2, 2)]


class Ending(MemoryPlatform):
    """Its input ends when it is told to."""

    def __init__(self):
        super().__init__()
        self.over = trio.Event()

    async def serve(self, intake):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().serve, intake)
            await self.over.wait()
            nursery.cancel_scope.cancel()


async def test_who_waits_for_the_end_of_all_input_outlives_a_boot(autojump_clock):
    platform = Ending()
    async with open_world(agent, platform=platform, start=False) as world, open_nodes(world) as nodes:
        gateway = await nodes.node("one").start()
        with trio.fail_after(4 * LEASE_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(gateway.finished)
                await until(world, lambda: rows(world, "select 1 from account_holder where boot = 1"))
                world.db.execute("update boot set buried_at = 0 where id = 1")
                await until(world, lambda: rows(world, "select 1 from account_holder where boot = 2"))
                platform.over.set()


async def test_a_boot_that_is_over_ends_as_soon_as_the_store_says_so(world, nodes):
    await two(nodes)
    await world.until(seconds=world.now + LEASE_S + 1)
    await a_long_turn(world, at=1)
    world.db.execute("update boot set buried_at = 0 where id = 1")
    await world.say("late", "hello")
    await world.until(seconds=world.now + 0.2)
    assert [line["why"] for line in world.lines("lease over")] == ["boot 1 is over"]
    assert rows(world, "select max(id) from boot") == [(3,)]


async def test_the_row_of_an_old_boot_that_lives_may_hold_what_cannot_be_read(world, nodes):
    _, other = await two(nodes)
    for _ in range(4):
        await other.stop()
        await other.start()
    world.db.execute("update boot set until = 'soon' where id = 1")
    await world.until(seconds=world.now + 2 * LEASE_S)
    await world.say("ada", "hello")
    assert await world.reply("ada") == "done: hello"
    names = rows(world, "select node from boot where ended_at is null and buried_at is null order by node")
    assert names == [("one",), ("other",)]


async def test_a_renewal_that_is_heard_of_behind_the_end_of_its_lease_begins_nothing(world, nodes):
    await two(nodes)
    world.platform.fault("hang")
    await world.say("ada", "hello")
    await until(world, lambda: world.shown("ada"))
    nodes.stores["one"].hangs = Hang(1, for_s=LEASE_S, done=True)
    await world.until(seconds=world.now + 3 * LEASE_S)
    assert rows(world, "select node, buried_at is null from boot order by id") == [
        ("one", 0),
        ("other", 1),
        ("one", 1),
    ]
    await world.say("ada", "again")
    assert len(world.lines("lease over")) == 1
    replies = [await world.reply("ada") for _ in range(3)]
    assert replies == ["done: hello", "done: hello ↻", "done: again"]


async def test_a_stop_does_not_wait_for_a_store_that_its_node_does_not_reach(world, nodes):
    one, _ = await two(nodes)
    nodes.stores["one"].hangs = Hang(1, for_s=600.0)
    at = world.now
    await one.stop()
    assert world.now - at <= stop_s(0.0)
    await world.say("ada", "hello")
    assert await world.reply("ada") == "done: hello"
    assert world.now - at <= LEASE_S + 1


async def test_a_stop_between_two_boots_of_a_node_does_not_wait_for_its_store(world, nodes):
    one, _ = await two(nodes)
    nodes.stores["one"].hangs = Hang(1, for_s=600.0)
    await world.until(seconds=world.now + 2 * LEASE_S)
    at = world.now
    await one.stop()
    assert world.now - at <= stop_s(0.0)


async def test_a_lease_is_renewed_while_what_it_found_is_still_taken_up(world, nodes):
    """Under load the taking up waits behind others in the writer's queue."""
    one = nodes.node("one")
    await one.start()
    wiring = one.now.gateway.wiring
    lease = BootLease(wiring.store, LEASE_S, wiring.log, Outage(wiring.log), one.now.clock)
    began = []

    async def slow(found):
        began.append(found.at - world.clock.now() + world.now)
        await trio.sleep(2 * LEASE_S)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lease.serve, slow)
        await world.until(seconds=world.now + 3 * LEASE_S)
        nursery.cancel_scope.cancel()
    assert not lease.scope.cancel_called
    assert len(began) == 2
