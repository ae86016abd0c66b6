"""A gateway as a guest: in its host's nursery, beside others, without a hand on the process."""

import gc
import signal

import pytest
import trio

from hermes_trio.errors import AccountRefused, ConfigWrong, PlatformDown, PollConflict
from hermes_trio.runtime.workers import Worker
from hermes_trio.testing import MemoryPlatform
from hermes_trio.text import sentences
from hermes_trio.turns.running_turn import RunningTurn
from hermes_trio.turns.turn import Turn
from hermes_trio.values.identity import Policy
from tests.gateway.hosts import Ends, Host, Serves, echo, say


async def test_ready_when_each_account_has_received(autojump_clock, host):
    class Late(MemoryPlatform):
        async def serve(self, intake):
            await trio.sleep(5)
            await super().serve(intake)

    began = trio.current_time()
    async with host.gateway(echo, Late(), MemoryPlatform(account="other")) as gateway:
        await gateway.ready()
        assert trio.current_time() - began == 5


@pytest.mark.parametrize(
    "error", [AccountRefused("401"), PlatformDown("dns"), PollConflict("409"), ValueError("x")]
)
async def test_or_has_reported_that_it_cannot(autojump_clock, host, error):
    began = trio.current_time()
    async with host.gateway(echo, Serves(error), MemoryPlatform(account="other")) as gateway:
        await gateway.ready()
        assert trio.current_time() == began
        health = gateway.health()
        assert health["memory/other"].receiving
        assert not health["memory/main"].receiving
        assert type(error).__name__ in health["memory/main"].why


async def test_a_gateway_without_platforms_is_ready(autojump_clock, host):
    async with host.gateway(echo) as gateway:
        with trio.fail_after(1):
            await gateway.ready()
            await gateway.finished()


@pytest.mark.parametrize("hears", [True, False])
async def test_an_input_that_has_ended_is_ready_too_and_finishes_when_all_is_answered(
    autojump_clock, host, hears
):
    platform = Ends("a", "b", hears=hears)

    async def slow(turn):
        await trio.sleep(3)
        return turn.text

    async with host.gateway(slow, platform) as gateway:
        with trio.fail_after(1):
            await gateway.ready()
        began = trio.current_time()
        await gateway.finished()
        assert trio.current_time() - began == 3
        assert platform.texts("u1") == ["a\nb"]


async def test_a_refused_account_stops_alone_and_is_no_end_of_input(autojump_clock, host):
    refused, other = Serves(AccountRefused("401")), Ends("hi", account="other")
    async with host.gateway(echo, refused, other) as gateway:
        with trio.move_on_after(600) as scope:
            await gateway.finished()
        assert scope.cancelled_caught
        assert other.texts("u1") == ["you said: hi"]
        assert len(host.log.of("account refused")) == 1


async def test_a_crashing_account_harms_no_other(autojump_clock, host):
    crashing, other = Serves(*[ValueError("x")] * 5), MemoryPlatform(account="other")
    async with host.gateway(echo, crashing, other) as gateway:
        await gateway.ready()
        say(other, "hi")
        await trio.sleep(0.01)
        assert other.texts("u1") == ["you said: hi"]
        await trio.sleep(100)
        say(crashing, "hi")
        await trio.sleep(0.01)
        assert crashing.texts("u1") == ["you said: hi"]
        assert gateway.health()["memory/main"].receiving
    assert len(host.log.of("account restarts")) == 5
    assert [fields["account"] for fields in host.log.of("account up")] == ["memory/other", "memory/main"]


async def test_at_rest_when_everything_is_said(autojump_clock, host):
    platform = MemoryPlatform(delay_s=2)
    async with host.gateway(echo, platform) as gateway:
        await gateway.ready()
        await gateway.at_rest()
        say(platform, "hi")
        await trio.sleep(0.01)
        began = trio.current_time()
        await gateway.at_rest()
        assert 1.9 < trio.current_time() - began <= 2


async def test_several_gateways_live_in_one_process(autojump_clock, nursery):
    hosts, platforms = [Host() for _ in range(3)], [MemoryPlatform() for _ in range(3)]

    async def live(host, platform, n):
        async with host.gateway(lambda turn: answer(turn, n), platform) as gateway:
            say(platform, "hi")
            await trio.sleep(n + 1)
            await gateway.at_rest()

    async def answer(turn, n):
        return f"{n}: {turn.text}"

    async with trio.open_nursery() as inner:
        for n in range(3):
            inner.start_soon(live, hosts[n], platforms[n], n)
    assert [p.texts("u1") for p in platforms] == [["0: hi"], ["1: hi"], ["2: hi"]]
    for each in hosts:
        each.db.close()


async def test_a_hosts_own_nursery_and_stop_event(autojump_clock, host):
    stop = trio.Event()
    platform = MemoryPlatform()

    async def guest(task_status):
        async with host.gateway(echo, platform) as gateway:
            await gateway.ready()
            task_status.started(gateway)
            await stop.wait()

    async with trio.open_nursery() as nursery:
        gateway = await nursery.start(guest)
        say(platform, "hi")
        await trio.sleep(1)
        assert [row.outcome for row in await gateway.ledger()] == ["answered"]
        stop.set()
    assert host.rows("select clean from boot") == [(1,)]


async def test_no_signal_handler_is_touched(autojump_clock, host):
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    platform = MemoryPlatform()
    async with host.gateway(echo, platform) as gateway:
        say(platform, "hi")
        await trio.sleep(1)
        await gateway.at_rest()
        assert {number: signal.getsignal(number) for number in signal.valid_signals()} == before
    assert {number: signal.getsignal(number) for number in signal.valid_signals()} == before


async def test_two_platforms_of_one_name_are_refused(autojump_clock, host):
    with pytest.raises(ConfigWrong, match="memory/main"):
        async with host.gateway(echo, MemoryPlatform(), MemoryPlatform()):
            pass


def tasks():
    """Every task's name."""
    found, todo = [], [trio.lowlevel.current_root_task()]
    while todo:
        task = todo.pop()
        found.append(task.name)
        todo += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return sorted(found)


async def test_a_thousand_idle_sessions_leave_no_task_and_no_object(autojump_clock, host):
    platform = MemoryPlatform()
    async with host.gateway(echo, platform) as gateway:
        await gateway.ready()
        say(platform, "hi", "first")
        await gateway.at_rest()
        await trio.sleep(1)
        before = tasks()
        for n in range(1000):
            say(platform, "hi", f"u{n}")
        await trio.sleep(1)
        await gateway.at_rest()
        assert len(platform.seen) == 1001
        assert tasks() == before
        gc.collect()
        assert [o for o in gc.get_objects() if isinstance(o, Worker | Turn | RunningTurn)] == []
        assert not gateway.wiring.sessions.live
        assert not gateway.wiring.lanes.live
        assert (
            not gateway.wiring.sessions._tasks | gateway.wiring.lanes._tasks | gateway.wiring.commands._tasks
        )


async def test_every_task_has_a_name_a_person_can_read(autojump_clock, host):
    platform = MemoryPlatform()

    async def works(turn):
        turn.stream("x")
        await trio.sleep(100)

    async with host.gateway(works, platform) as gateway:
        say(platform, "hi")
        await trio.sleep(10)
        names = tasks()
        for name in (
            "account memory/main",
            "store writer",
            "session memory/main/u1",
            "typing",
            "preview",
        ):
            assert name in names
        gateway.hurry()


@pytest.mark.parametrize(("given", "says"), [(True, sentences.RESTARTING), (False, sentences.CANNOT_RESTART)])
async def test_whether_it_can_begin_anew_is_the_hosts_to_say(autojump_clock, host, given, says):
    platform, actions = MemoryPlatform(policy=Policy(allow_users=("u1",), admins=("u1",))), []
    on_restart = (lambda: actions.append(trio.current_time())) if given else None
    async with host.gateway(echo, platform, on_restart=on_restart) as gateway:
        say(platform, "/restart")
        await trio.sleep(1)
        await gateway.at_rest()
    assert platform.texts("u1") == [says]
    assert len(actions) == given
