"""A part is as old as what the process saw pass: a clock that is set makes no part too old to be sent."""

import pytest

from hermes_trio.config.options import Gateway as GatewayOptions
from tests.delivery.chats import outbound

DAY_S = 86_400.0


async def test_a_clock_that_goes_forward_gives_up_nothing(world):
    world.platform.connected = False
    await world.say("u1", "hi")
    await world.until(minutes=10)
    world.fault("clock_jumps", by_s=400 * DAY_S)
    await world.until(minutes=20)
    world.platform.connected = True
    await world.settle()
    assert world.texts("u1") == ["you said: hi"]


async def test_nor_does_one_that_was_wrong_when_they_were_owed_and_is_set_right(world):
    await world.until(hours=30)
    world.platform.connected = False
    await world.say("before", "hi")
    await world.until(hours=31)
    world.fault("clock_jumps", by_s=-400 * DAY_S)
    await world.say("meanwhile", "hi")
    await world.until(hours=32)
    world.fault("clock_jumps", by_s=400 * DAY_S)
    await world.say("after", "hi")
    await world.until(hours=33)
    world.platform.connected = True
    await world.settle()
    assert {user: world.texts(user) for user in ("before", "meanwhile", "after")} == {
        "before": ["you said: hi"],
        "meanwhile": ["you said: hi"],
        "after": ["you said: hi"],
    }


@pytest.mark.parametrize("jumps", [(-400 * DAY_S,), (-400 * DAY_S, 400 * DAY_S), (7200.0,) * 3, (-7200.0,)])
@pytest.mark.world(options=GatewayOptions(give_up_after_s=3600))
async def test_and_no_jump_makes_one_last_longer(world, jumps):
    world.platform.connected = False
    await world.say("u1", "hi")
    for by_s in jumps:
        await world.until(seconds=world.now + 600)
        world.fault("clock_jumps", by_s=by_s)
    await world.settle()
    assert outbound(world, "state, why") == [("failed", "undeliverable")]
    assert 3600 <= world.now <= 3661


@pytest.mark.world(options=GatewayOptions(give_up_after_s=3600))
async def test_where_the_clock_says_the_same_time_twice_the_part_is_as_young_as_it_may_be(world):
    world.platform.connected = False
    await world.say("u1", "hi")
    await world.until(minutes=10)
    world.fault("clock_jumps", by_s=-1800.0)
    await world.until(hours=1)
    await world.settle()
    assert outbound(world, "state, why") == [("failed", "undeliverable")]
    assert 5400 <= world.now <= 5461


@pytest.mark.world(options=GatewayOptions(give_up_after_s=3600))
async def test_what_an_older_boot_owed_is_as_old_as_the_clock_says_at_the_start(world):
    world.platform.connected = False
    await world.say("u1", "hi")
    await world.until(minutes=20)
    await world.stop()
    world.fault("clock_jumps", by_s=1800.0)
    await world.start()
    world.fault("clock_jumps", by_s=DAY_S)
    started = world.now
    await world.settle()
    assert outbound(world, "state, why") == [("failed", "undeliverable")]
    assert 600 <= world.now - started <= 661
