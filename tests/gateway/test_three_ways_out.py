"""Leaving: the body ends and what runs may finish; or it is cut, and the next boot repairs the rest."""

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import StoreFailed
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import CrashingStore, MemoryPlatform
from hermes_trio.text import sentences
from tests.gateway.hosts import echo, say

OPTIONS = GatewayOptions(drain_timeout_s=20)


def works(seconds):
    async def agent(turn):
        await trio.sleep(seconds)
        return "done"

    return agent


async def leave_while_working(host, agent, platform, *, before=None, during=None):
    """Leave a gateway whose turn has run for a second. Returns how long the leaving took."""
    async with trio.open_nursery() as nursery:
        async with host.gateway(agent, platform, options=OPTIONS) as gateway:
            say(platform, "hi")
            await trio.sleep(1)
            began = trio.current_time()
            if before is not None:
                before(gateway)
            if during is not None:
                nursery.start_soon(during, gateway)
        took = trio.current_time() - began
        nursery.cancel_scope.cancel()
    return round(took, 6)


def turns(host):
    return host.rows("select state, checkpoint_why from turn")


async def test_nothing_to_wait_for_is_not_waited_for(autojump_clock, host):
    platform = MemoryPlatform()
    assert await leave_while_working(host, echo, platform) == 0
    assert platform.texts("u1") == ["you said: hi"]
    assert host.rows("select clean from boot") == [(1,)]


async def test_the_body_ends_and_a_running_turn_may_finish(autojump_clock, host):
    platform = MemoryPlatform()
    assert await leave_while_working(host, works(6), platform) == 5
    assert platform.texts("u1") == ["done"]
    assert turns(host) == [("finished", "asked")]
    assert host.rows("select clean from boot") == [(1,)]


async def test_but_no_longer_than_the_drain_and_the_next_boot_goes_on_with_it(autojump_clock, host):
    platform = MemoryPlatform()
    assert await leave_while_working(host, works(100), platform) == 20
    assert turns(host) == [("running", "asked")]
    assert host.rows("select clean from boot") == [(0,)]
    async with host.gateway(works(1), platform):
        await trio.sleep(2)
        assert platform.texts("u1") == ["done"]
    assert host.rows("select clean from boot") == [(0,), (1,)]


def lingers(seconds):
    async def agent(turn):
        try:
            await trio.sleep_forever()
        finally:
            with trio.move_on_after(seconds, shield=True):
                await trio.sleep(seconds)

    return agent


async def test_what_lingers_is_waited_for_two_seconds_more(autojump_clock, host):
    assert await leave_while_working(host, lingers(1.5), MemoryPlatform()) == 21.5


async def test_what_is_owed_has_five_seconds_to_be_said(autojump_clock, host):
    platform = MemoryPlatform()
    platform.connected = False
    assert await leave_while_working(host, echo, platform) == 5
    assert host.rows("select state, unknown from outbound") == [("owed", 0)]
    platform.connected = True
    async with host.gateway(echo, platform) as gateway:
        await gateway.at_rest()
    assert platform.texts("u1") == ["you said: hi"]


async def test_a_send_that_the_end_meets_is_unknown_at_the_next_boot(autojump_clock, host):
    platform = MemoryPlatform(delay_s=30.0)
    assert await leave_while_working(host, echo, platform) == 5
    platform.delay_s = 0.0
    async with host.gateway(echo, platform) as gateway:
        await gateway.at_rest()
    assert platform.texts("u1") == ["you said: hi", "you said: hi ↻"]


async def test_hurry_shortens_a_drain_that_runs(autojump_clock, host):
    async def hurry(gateway):
        await trio.sleep(3)
        gateway.hurry(1)

    assert await leave_while_working(host, works(100), MemoryPlatform(), during=hurry) == 4


async def test_hurry_shortens_a_drain_to_come_and_never_lengthens_one(autojump_clock, host):
    def hurry(gateway):
        gateway.hurry(2)
        gateway.hurry(500)

    assert await leave_while_working(host, works(100), MemoryPlatform(), before=hurry) == 2


async def test_hurry_to_nothing(autojump_clock, host):
    def hurry(gateway):
        gateway.hurry()

    assert await leave_while_working(host, works(100), MemoryPlatform(), before=hurry) == 0
    assert turns(host) == [("running", "asked")]


async def test_while_draining_messages_are_kept_and_each_chat_is_told_once(autojump_clock, host):
    platform = MemoryPlatform()

    async def go_on(gateway):
        await trio.sleep(1)
        for user in ("u1", "u2", "u2"):
            say(platform, "more", user)
            await trio.sleep(0.1)
        say(platform, "/status", "u3")

    assert await leave_while_working(host, works(6), platform, during=go_on) == 5
    told = sentences.DRAINING
    assert platform.texts("u1") == [told, "done"]
    assert platform.texts("u2") == [told]
    [status] = platform.texts("u3")
    assert "Going down: no new turns." in status
    assert len(turns(host)) == 1
    async with host.gateway(works(0), platform) as gateway:
        await gateway.at_rest()
    assert platform.texts("u2") == [told, "done"]


async def test_when_the_drain_has_ended_nothing_more_is_confirmed(autojump_clock, host):
    platform = MemoryPlatform(delay_s=3)

    async def late(gateway):
        await trio.sleep(7)
        say(platform, "late", "u2")

    assert await leave_while_working(host, works(6), platform, during=late) == 8
    assert platform.unread == 1
    async with host.gateway(echo, platform) as gateway:
        await gateway.at_rest()
        await trio.sleep(1)
        assert platform.texts("u2") == ["you said: late"]


async def test_a_cancelled_body_writes_the_checkpoint_and_waits_for_nothing(autojump_clock, host):
    platform = MemoryPlatform()
    began = trio.current_time()
    with trio.move_on_after(1):
        async with host.gateway(works(100), platform):
            say(platform, "hi")
            await trio.sleep_forever()
    assert trio.current_time() - began == 1
    assert turns(host) == [("running", "cancelled")]
    assert host.rows("select clean from boot") == [(0,)]
    async with host.gateway(works(0), platform) as gateway:
        await gateway.at_rest()
    assert platform.texts("u1") == ["done"]


class Stuck:
    """A command that takes for ever; a start waits for those that were not settled."""

    names = ("stuck",)
    help = "wait"
    role = "user"

    async def run(self, call):
        await trio.sleep_forever()


async def test_a_start_that_is_cut_short_is_an_end_as_asked(autojump_clock, host):
    """Else three of them in a minute would hold back what is to go on."""

    platform, command = MemoryPlatform(), Stuck()
    with trio.move_on_after(1):
        async with host.gateway(echo, platform, commands=[command]):
            say(platform, "/stuck")
            await trio.sleep_forever()
    assert host.rows("select ended_at is null from boot") == [(1,)]
    with trio.move_on_after(1):
        async with host.gateway(echo, platform, commands=[command]):
            raise AssertionError("the command was to keep it from being open")
    assert host.rows("select ended_at is null, clean from boot") == [(1, 0), (0, 1)]


async def test_an_error_in_the_body_does_too_and_comes_out(autojump_clock, host):
    platform = MemoryPlatform()

    async def body():
        async with host.gateway(works(100), platform):
            say(platform, "hi")
            await trio.sleep(1)
            raise KeyError("mine")

    with pytest.raises(ExceptionGroup) as raised:
        await body()
    assert raised.group_contains(KeyError, match="mine")
    assert turns(host) == [("running", "cancelled")]


async def test_a_host_that_is_cancelled_in_the_drain_is_out_at_once(autojump_clock, host):
    platform = MemoryPlatform()
    began = trio.current_time()
    with trio.move_on_after(3):
        async with host.gateway(works(100), platform, options=OPTIONS):
            say(platform, "hi")
            await trio.sleep(1)
    assert trio.current_time() - began == 3
    assert turns(host) == [("running", "asked")]


class Sick(CrashingStore):
    """Its checkpoint cannot be written."""

    how = "fails"

    async def checkpoint(self, why):
        if self.how == "fails":
            raise StoreFailed("SQLITE_FULL")
        await trio.sleep_forever()


@pytest.mark.parametrize(("how", "takes"), [("fails", 0), ("hangs", 2)])
async def test_a_checkpoint_that_cannot_be_written_is_skipped_after_two_seconds(
    autojump_clock, host, how, takes
):
    store = Sick(host.db, host.clock, seeded_chance("x"), 0.0)
    store.how = how
    async with host.gateway(echo, MemoryPlatform(), store=store):
        await trio.sleep(1)
        began = trio.current_time()
    assert trio.current_time() - began == takes
    assert len(host.log.of("checkpoint failed")) == 1


@pytest.mark.parametrize(("how", "takes"), [("fails", 0), ("hangs", 2)])
async def test_also_when_the_body_is_cut(autojump_clock, host, how, takes):
    store = Sick(host.db, host.clock, seeded_chance("x"), 0.0)
    store.how = how
    began = trio.current_time()
    with trio.move_on_after(1):
        async with host.gateway(echo, MemoryPlatform(), store=store):
            await trio.sleep_forever()
    assert trio.current_time() - began == 1 + takes


class LastCommitFails(CrashingStore):
    """The last commit of its boot finds the disk full."""

    async def end_boot(self):
        raise StoreFailed("SQLITE_FULL")


async def test_a_last_commit_that_fails_is_logged_and_hurts_nobody(autojump_clock, host):
    store = LastCommitFails(host.db, host.clock, seeded_chance("x"), 0.0)
    async with host.gateway(echo, MemoryPlatform(), store=store):
        await trio.sleep(1)
    assert len(host.log.of("checkpoint failed")) == 1
