"""Who is next: order, batches, fragments, the queue."""

from __future__ import annotations

import pytest

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform
from hermes_trio.values.delivery import Capabilities
from tests.invariants.at_rest import check

# --- one turn at a time, in order of arrival
from tests.scenes import echo, slow


@pytest.mark.world(agent=slow)
async def test_what_waits_is_one_turn_in_order_of_arrival(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    for word in ("two", "three", "four"):
        await world.say("ada", word)
    await world.settle()
    assert world.texts("ada", "final") == ["re: one", "re: two + three + four"]
    assert world.now == 20
    check(world)


@pytest.mark.world(agent=slow)
async def test_sessions_do_not_wait_for_one_another(world):
    for n in range(50):
        await world.say(f"user{n}", "hello")
    await world.settle()
    assert world.now == 10
    assert all(world.texts(f"user{n}", "final") == ["re: hello"] for n in range(50))


@pytest.mark.world(agent=echo)
async def test_a_turn_takes_at_most_twenty_messages(world):
    world.crash()
    for n in range(45):
        await world.say("ada", str(n))
    await world.start()
    await world.settle()
    assert [len(final.split(" + ")) for final in world.texts("ada", "final")] == [20, 20, 5]
    check(world)


@pytest.mark.world(agent=echo, platform=MemoryPlatform(capabilities=Capabilities(text_max=100_000)))
async def test_a_turn_takes_at_most_sixteen_thousand_characters(world):
    world.crash()
    for size in (9_000, 6_990, 10, 1, 20_000, 1):
        await world.say("ada", "x" * size)
    await world.start()
    await world.settle()
    sizes = [
        [len(word) for word in final.removeprefix("re: ").split(" + ")]
        for final in world.texts("ada", "final")
    ]
    assert sizes == [[9_000, 6_990, 10], [1], [20_000], [1]]


@pytest.mark.world(agent=slow)
async def test_queue_is_always_a_turn_of_its_own(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    for word in ("two", "/queue three", "/queue four", "five", "six"):
        await world.say("ada", word)
    await world.settle()
    assert world.texts("ada", "final") == ["re: one", "re: two", "re: three", "re: four", "re: five + six"]
    check(world)


@pytest.mark.world(agent=slow, options=GatewayOptions(busy="interrupt"))
async def test_queue_never_interrupts(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "/queue two")
    await world.settle()
    assert world.texts("ada", "final") == ["re: one", "re: two"]
    assert world.now == 20


@pytest.mark.world(agent=slow, commit_s=0.001)
async def test_order_holds_across_a_restart(world):
    for word in ("one", "two"):
        await world.say("ada", word)
        await world.until(seconds=world.now + 1)
    world.crash()
    for word in ("three", "four"):
        await world.say("ada", word)
    await world.start()
    await world.say("ada", "five")
    await world.settle()
    assert world.texts("ada", "final") == ["re: one + two", "re: three + four + five"]
    check(world)


# --- fragments


@pytest.mark.world(agent=echo)
async def test_an_ordinary_message_starts_at_once(world):
    await world.say("ada", "x" * (4096 - 97))
    await world.settle()
    assert world.now == 0


@pytest.mark.world(agent=echo)
async def test_the_parts_of_an_album_are_one_turn(world):
    for n in range(3):
        await world.say("ada", f"photo {n}", album="a")
        await world.until(seconds=world.now + 0.5)
    await world.settle()
    assert world.texts("ada", "final") == ["re: photo 0 + photo 1 + photo 2"]
    assert world.now == pytest.approx(1.0 + 0.8)


@pytest.mark.world(agent=echo)
async def test_a_text_near_the_limit_waits_for_the_next(world):
    await world.say("ada", "x" * (4096 - 96))
    await world.until(seconds=0.5)
    assert world.texts("ada", "final") == []
    await world.say("ada", "y")
    await world.settle()
    assert world.now == 0.5
    assert world.texts("ada", "final")[0].endswith("x + y")


@pytest.mark.world(agent=echo)
async def test_a_text_near_the_limit_with_nothing_behind_it_waits_0_6_s(world):
    await world.say("ada", "x" * 4096)
    await world.settle()
    assert world.now == pytest.approx(0.6)


@pytest.mark.world(agent=echo)
async def test_fragments_wait_at_most_five_seconds(world):
    for n in range(12):
        await world.say("ada", f"photo {n}", album="a")
        await world.until(seconds=world.now + 0.55)
    assert world.texts("ada", "final")[0] == "re: " + " + ".join(f"photo {n}" for n in range(10))
    first = next(call for call in world.platform.calls if call.delivery.op == "send")
    assert first.at == pytest.approx(5.0)
    await world.settle()
    check(world)


@pytest.mark.world(agent=echo)
async def test_a_clock_that_jumps_does_not_hold_a_fragment(world):
    await world.say("ada", "photo", album="a")
    await world.until(seconds=0.1)
    world.clock.offset -= 3600
    await world.settle()
    assert world.now <= 0.9


# --- the queue


@pytest.mark.world(agent=slow, options=GatewayOptions(queue_max=3))
async def test_past_queue_max_a_message_is_refused_aloud(world):
    await world.say("ada", "running")
    await world.until(seconds=1)
    for n in range(5):
        await world.say("ada", f"m{n}")
    await world.settle()
    refused = world.texts("ada", "refusal")
    assert refused == ["I did not take this message: 3 are waiting already. Please send it again later."] * 2
    assert [(row.outcome, row.reason) for row in await world.ledger()][-2:] == [("refused", "queue_full")] * 2
    assert world.texts("ada", "final") == ["re: running", "re: m0 + m1 + m2"]
    check(world)


@pytest.mark.world(agent=slow, options=GatewayOptions(queue_max=1))
async def test_a_queue_command_past_queue_max_is_refused_and_what_is_behind_it_goes_on(world):
    await world.say("ada", "running")
    await world.until(seconds=1)
    for word in ("first", "/queue second", "/status"):
        await world.say("ada", word)
    await world.settle()
    assert [row.outcome for row in await world.ledger()] == ["answered", "answered", "refused", "answered"]
    assert world.texts("ada", "final") == ["re: running", "re: first"]


# --- the sign of waiting


@pytest.mark.world(agent=slow)
async def test_a_reaction_shows_that_a_message_waits_and_goes_when_its_turn_begins(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    second = await world.say("ada", "two")
    await world.say("ada", "three")
    await world.until(seconds=2)
    assert list(world.platform.reactions) == [second.message_id]
    await world.until(seconds=11)
    assert world.platform.reactions == {}
    await world.settle()
    check(world)


@pytest.mark.world(
    agent=slow, platform=MemoryPlatform(capabilities=Capabilities(can_edit=True, can_delete=True))
)
async def test_without_reactions_one_line_with_the_position_shows_it(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "two")
    await world.say("ada", "three")
    await world.until(seconds=2)
    assert world.texts("ada", "sign") == ["Queued, position 1."]
    await world.until(seconds=11)
    assert world.texts("ada", "sign") == []
    await world.settle()


@pytest.mark.world(agent=slow)
async def test_a_session_that_is_idle_shows_no_sign(world):
    await world.say("ada", "one")
    await world.settle()
    assert not [call for call in world.platform.calls if call.delivery.op == "react"]
