"""What goes wrong in a World goes wrong as it does outside, and the gateway gets over it."""

from __future__ import annotations

import inspect

import pytest
import trio
from trio.testing import MockClock

from hermes_trio.processes.environment import BOOT
from hermes_trio.testing import FAULTS, RecordingTool, text, tool
from hermes_trio.testing.spoilt_values import SPOILT, columns
from hermes_trio.text import sentences
from tests.invariants.at_rest import check


def asked(world) -> list[str]:
    """How each model call went."""
    return [event.what for event in world.record.of("model") if event.what != "asked"]


def sends(world) -> list[tuple[float, str, str | None]]:
    """When, what and with what fault something was sent."""
    return [
        (round(event.at, 3), event.fields["text"], event.fields.get("fault"))
        for event in world.record.of("platform", "send")
    ]


async def platform_refuses(world):
    await world.say("ada", "hi")
    await world.settle()
    assert sends(world) == [(0.0, "you said: hi", "refuse")]
    assert world.shown("ada") == []


async def platform_gone(world):
    await world.say("ada", "hi")
    await world.settle()
    assert sends(world) == [(0.0, "you said: hi", "gone")]


async def platform_refuses_markup(world):
    world.model.script(text("**hi**"))
    await world.say("ada", "hi")
    assert await world.reply("ada") == "hi"
    assert [fault for _, _, fault in sends(world)] == ["markup", None]


async def platform_not_sent(world):
    await world.say("ada", "hi")
    assert await world.reply("ada") == "you said: hi"
    (first, _, fault), (second, _, none) = sends(world)
    assert (first, fault, none) == (0.0, "not_sent", None)
    assert 0.0 < second <= 1.0


async def platform_loses_answer(world):
    await world.say("ada", "hi")
    await world.settle()
    first, second = world.shown("ada")
    assert second.text.startswith(first.text)
    assert second.text.endswith("↻")


async def platform_hangs(world):
    await world.say("ada", "hi")
    await world.until(seconds=5)
    world.heal()
    await world.settle()
    assert world.texts("ada") == ["you said: hi", "you said: hi ↻"]
    assert [at >= 5.0 for at, _, _ in sends(world)] == [False, True]


async def platform_limits(world):
    await world.say("ada", "hi")
    assert await world.reply("ada") == "you said: hi"
    assert [(at, fault) for at, _, fault in sends(world)] == [(0.0, "wait"), (3.0, None)]


async def platform_disconnects(world):
    await world.say("ada", "hi")
    await world.until(seconds=29)
    assert sends(world) == []
    assert [line["why"] for line in world.lines("account down")] == ["PlatformDown: not connected"]
    assert await world.reply("ada") == "you said: hi"
    assert world.now >= 30.0


async def platform_repeats_updates(world):
    await world.say("ada", "hi")
    await world.reply("ada")
    world.fault("platform_repeats_updates")
    await world.settle()
    assert sum(event.fields["count"] for event in world.record.of("platform", "confirmed")) == 2
    assert len(world.model.requests) == 1


async def platform_reorders_updates(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    assert world.lines("message accepted") == []
    await world.say("ada", "/queue two")
    await world.settle()
    assert [line["native"] for line in world.lines("message accepted")] == ["in2", "in1"]


async def model_hangs(world):
    await world.say("ada", "hi")
    await world.until(seconds=100)
    assert asked(world) == []
    world.heal()
    assert await world.reply("ada") == "you said: hi"
    assert asked(world) == ["failed", "answered"]


async def model_hangs_midstream(world):
    await world.say("ada", "hi")
    await world.until(seconds=10)
    assert [seen.text for seen in world.platform.seen.values()] == ["I was about to"]
    world.heal()
    assert await world.reply("ada") == "you said: hi"


async def model_ends_early(world):
    await world.say("ada", "hi")
    await world.settle()
    assert asked(world)[0] == "answered"
    assert next(world.record.of("model", "answered")).fields["finish"] == "partial"
    assert world.shown("ada")[-1].text.startswith("I was about to")


async def model_quota(world):
    await world.say("ada", "hi")
    await world.settle()
    assert asked(world) == ["failed"]
    assert [line["why"] for line in world.lines("message refused")] == ["no_credentials"]


async def model_unauthorized(world):
    await world.say("ada", "hi")
    await world.settle()
    assert asked(world)[0] == "failed"
    assert [line["why"] for line in world.lines("message refused")] == ["no_credentials"]


async def model_rate_limit(world):
    await world.say("ada", "hi")
    await world.settle()
    assert next(world.record.of("model", "failed")).fields["kind"] == "rate_limit"
    assert await world.outcomes() == [None]  # the key is back within a minute: it is waited for
    await world.until(minutes=1)
    assert await world.outcomes() == ["answered"]


async def model_unavailable(world):
    await world.say("ada", "hi")
    await world.settle()
    assert next(world.record.of("model", "failed")).fields["kind"] == "overload"


async def model_rubbish(world):
    await world.say("ada", "hi")
    await world.settle()
    assert next(world.record.of("model", "failed")).fields["kind"] == "unknown"


async def model_breaks_off(world):
    await world.say("ada", "hi")
    await world.settle()
    assert next(world.record.of("model", "failed")).fields["kind"] == "transport"


async def model_too_long(world):
    await world.say("ada", "hi")
    await world.settle()
    assert next(world.record.of("model", "failed")).fields["kind"] == "context"


async def store_full(world):
    await world.say("ada", "hi")
    await world.until(seconds=9)
    assert world.platform.unread == 1
    assert "SQLITE_FULL" in world.lines("account down")[0]["why"]
    assert await world.reply("ada") == "you said: hi"
    assert world.now >= 10.0


async def store_slow(world):
    await world.say("ada", "hi")
    assert await world.reply("ada") == "you said: hi"
    assert world.now >= 4.0


async def store_hangs(world):
    await world.say("ada", "hi")
    assert await world.reply("ada") == "you said: hi"
    assert world.now >= 10.0


@pytest.mark.parametrize("done", [0, 1])
async def test_a_disk_that_hangs_at_a_stop_is_waited_for_no_longer_than_a_stop_may_take(world, done):
    """What hung before its commit was not written, what hung behind it was, and nobody knows of either."""
    world.fault("model_hangs")
    await world.say("ada", "hi")
    await world.until(seconds=1)
    world.fault("store_hangs", for_s=1e6, done=done)
    world.life.gateway.hurry(0)
    await world.stop()
    assert world.now == pytest.approx(6.0)
    assert world.lines("checkpoint failed")[0]["why"] == "no commit in time"
    written = world.db.execute("select count(*) from turn where checkpoint_why is not null").fetchone()
    assert written == (done,)
    await world.start()
    assert await world.reply("ada") == "you said: hi"
    await world.settle()
    check(world)


async def store_fails_commit(world):
    await world.say("ada", "hi")
    await world.until(seconds=0.001)
    assert "SQLITE_IOERR" in world.lines("account down")[0]["why"]
    assert await world.reply("ada") == "you said: hi"


async def store_spoils_row(world):
    world.fault("model_hangs")
    await world.say("ada", "hi")
    await world.until(seconds=5)
    world.crash()
    world.fault("store_spoils_row", table="turn", column="address", how="utf8")
    world.fault("store_spoils_row", table="turn", column="address", back=1)
    (address,) = world.db.execute("select cast(address as blob) from turn").fetchone()
    assert address.startswith(b'["\xff[')
    world.fault("store_spoils_row", table="turn", column="address")
    assert world.db.execute("select address from turn").fetchone() == ("{rubbish",)
    await world.start()
    assert await world.reply("ada") == sentences.MESSAGE_FAILED


async def store_fails_read(world):
    await world.say("ada", "hi")
    await world.until(seconds=0.001)
    assert "SQLITE_IOERR_READ" in world.lines("account down")[0]["why"]
    assert await world.reply("ada") == "you said: hi"


async def machine_full(world):
    with pytest.raises(OSError, match="Too many open files"):
        await world.processes.start("true", {BOOT: "x.1"}, stdin=False)
    await world.until(seconds=11)
    await world.processes.start("true", {BOOT: "x.1"}, stdin=False)


async def clock_jumps(world):
    before = world.clock.now()
    world.fault("clock_jumps", by_s=-3600.0)
    assert world.clock.now() == before - 3600.0
    await world.say("ada", "hi")
    assert await world.reply("ada") == "you said: hi"


async def freezes(world):
    world.model.script(text("late", after_s=10))
    await world.say("ada", "hi")
    await world.until(seconds=5)
    world.fault("freezes", for_s=100.0)
    assert world.now == 105.0
    assert await world.reply("ada") == "late"
    assert world.now == 105.0


LATER = {platform_repeats_updates, store_spoils_row, clock_jumps, freezes}
"""These act at once, so their tests say when."""


@pytest.mark.world(keys=["k"])
@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_does_what_its_name_says_and_the_next_message_is_answered(world, name):
    scene = globals()[name]
    if scene not in LATER:
        world.fault(name)
    await scene(world)
    world.heal()
    await world.until(hours=1)
    await world.say("ada", "and now?")
    await world.settle()
    assert world.shown("ada")[-1].text.startswith("you said: and now?"), world.timeline()
    assert (await world.outcomes())[-1] == "answered"
    check(world)


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_says_what_it_does(name):
    assert inspect.getdoc(FAULTS[name])


async def test_a_name_that_is_not_one_is_answered_with_the_nearest(world):
    with pytest.raises(ValueError, match="no fault 'model_hang'; did you mean 'model_hangs'"):
        world.fault("model_hang")
    with pytest.raises(ValueError, match="store_full takes for_s, not seconds"):
        world.fault("store_full", seconds=3)
    assert list(world.record.of("world", "fault")) == []


async def test_a_full_disk_loses_the_whole_group_and_reading_goes_on(world):
    world.fault("store_full", for_s=3600)
    await world.say("ada", "hi")
    await world.until(seconds=60)
    assert await world.ledger() == []
    world.heal()
    assert await world.reply("ada") == "you said: hi"


def test_a_world_that_runs_on_the_machines_own_clock_cannot_be_frozen():
    from hermes_trio.testing import open_world

    async def main():
        async with open_world() as world:
            world.fault("freezes")

    with pytest.raises(ExceptionGroup) as raised:
        trio.run(main)
    assert raised.group_contains(RuntimeError, match="only a MockClock")


@pytest.mark.world(tools=[RecordingTool("pay", after_s=5)], fallbacks=1)
async def test_a_model_that_is_down_is_followed_by_the_next_of_the_list(world):
    world.models[1].script(tool("pay", sum=3), text("paid"))
    for _ in range(9):
        world.fault("model_unavailable")
    await world.say("ada", "pay")
    assert await world.reply("ada") == "paid"
    [effect] = world.tools[-1].effects
    assert effect.arguments == {"sum": 3}
    assert next(world.record.of("tool", "effect")).fields == {"tool": "pay", "op": effect.op}


@pytest.mark.world(keys=["k"], fallbacks=1)
async def test_a_fault_of_a_number_is_that_ones(world):
    world.fault("model_quota")
    world.fault("model_hangs", of=1)
    await world.say("ada", "hi")
    await world.until(seconds=5)
    assert [event.fields["model"] for event in world.record.of("model", "failed")] == ["scripted"]
    assert world.models[1].in_flight == 1


def test_the_clock_of_a_test_is_enough():
    """A World needs nothing of pytest, and no thread, socket or file."""
    from hermes_trio.testing import open_world

    async def main():
        async with open_world() as world:
            await world.say("ada", "hi")
            return await world.reply("ada"), world.now

    assert trio.run(main, clock=MockClock(autojump_threshold=0)) == ("you said: hi", 0.0)


@pytest.mark.parametrize("how", SPOILT)
async def test_a_row_is_spoilt_in_each_way_and_no_other_is(world, how):
    for user in ("ada", "bob"):
        await world.say(user, "hi")
    await world.settle()
    kept = "select typeof(body), cast(body as blob) from inbound order by id"
    ada, bob = world.db.execute(kept).fetchall()
    world.fault("store_spoils_row", table="inbound", column="body", how=how, back=1)
    spoilt, other = world.db.execute(kept).fetchall()
    assert other == bob
    assert spoilt != ada
    assert {len(row) for row in columns(world.db)} == {2}
