"""Who is next: order, batches, fragments, the queue, what a message does to a busy session."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, hangs, text, tool
from hermes_trio.values import Key, Traits

from .invariants import check


async def echo(turn):
    return "re: " + " + ".join(message.text for message in turn.messages)


async def slow(turn):
    """Ten seconds a turn."""
    await trio.sleep(10)
    return "re: " + " + ".join(message.text for message in turn.messages)


# --- one turn at a time, in order of arrival


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


@pytest.mark.world(agent=echo, platform=MemoryPlatform(traits=Traits(text_max=100_000)))
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


@pytest.mark.world(agent=slow, platform=MemoryPlatform(traits=Traits(can_edit=True, can_delete=True)))
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


# --- busy = steer


@pytest.mark.world(options=GatewayOptions(busy="steer"))
async def test_steer_takes_a_message_in_after_the_tool_results(world):
    world.model.script(tool("sleep", s=10), text("done"))
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "faster")
    await world.settle()
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry", "UserEntry"]
    assert world.model.requests[-1].entries[-1].text == "faster"
    assert await world.outcomes() == ["answered", "answered"]
    assert {row.turn for row in await world.ledger()} == {1}
    assert world.texts("ada", "final") == ["done"]


@pytest.mark.world(options=GatewayOptions(busy="steer"))
async def test_what_arrives_after_the_last_step_is_the_next_turn(world):
    world.model.script(text("first", after_s=5), text("second"))
    await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "two")
    await world.settle()
    assert world.texts("ada", "final") == ["first", "second"]
    assert [row.turn for row in await world.ledger()] == [1, 2]


@pytest.mark.world(options=GatewayOptions(busy="steer"))
async def test_a_message_steered_in_by_an_empty_answer_is_read_before_the_next(world):
    world.model.script(text("", after_s=5), text("done"))
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "faster")
    await world.settle()
    said = [entry.text for entry in world.model.requests[-1].entries]
    assert said == ["work", "faster"]
    assert world.texts("ada", "final") == ["done"]


async def remembers(turn):
    """Deterministic: each step is given what was known when it began."""

    async def look(seen):
        await trio.sleep(1)
        return seen

    first = await turn.step("look", look, turn.text, idempotent=True)
    await turn.sleep(10)
    second = await turn.step("look", look, turn.text, idempotent=True)
    return f"{first} / {second}"


@pytest.mark.world(agent=remembers, options=GatewayOptions(busy="steer"))
async def test_run_again_a_turn_meets_a_steered_message_where_it_met_it_first(world):
    await world.say("ada", "one")
    await world.until(seconds=0.5)
    await world.say("ada", "two")
    await world.until(seconds=5)
    world.crash()
    await world.start()
    await world.settle()
    assert world.texts("ada", "final") == ["one / one\ntwo"]
    check(world)


@pytest.mark.world(options=GatewayOptions(busy="steer"))
async def test_run_again_the_model_meets_a_steered_message_where_it_met_it_first(world):
    world.model.script(tool("sleep", s=10), tool("sleep", s=20), text("done"))
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "faster")
    await world.until(seconds=15)
    world.crash()
    await world.start()
    await world.settle()
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry", "UserEntry", "AssistantEntry", "ToolEntry"]
    assert world.model.requests[-1].entries[3].text == "faster"


# --- busy = interrupt


@pytest.mark.world(agent=slow, options=GatewayOptions(busy="interrupt"))
async def test_interrupt_begins_again_at_once_with_everything(world):
    await world.say("ada", "one")
    await world.until(seconds=5)
    await world.say("ada", "two")
    await world.settle()
    assert world.texts("ada", "final") == ["re: one + two"]
    assert world.now == 15
    assert await world.outcomes() == ["answered", "answered"]
    states = world.db.execute("select state from turn order by id").fetchall()
    assert states == [("stopped",), ("finished",)]
    check(world)


@pytest.mark.world(options=GatewayOptions(busy="interrupt"))
async def test_an_interrupted_message_is_told_to_the_model_once_and_committed_steps_stay(world):
    world.model.script(tool("now"), hangs(), text("done"), text("and again"))
    await world.say("ada", "one")
    await world.until(seconds=5)
    await world.say("ada", "two")
    await world.settle()
    said = [getattr(entry, "text", "") for entry in world.model.requests[-1].entries]
    assert said.count("one") == 1
    assert said.count("two") == 1
    kinds = [type(entry).__name__ for entry in world.model.requests[-1].entries]
    assert kinds == ["UserEntry", "AssistantEntry", "ToolEntry", "UserEntry"]
    await world.say("ada", "three")
    await world.settle()
    said = [getattr(entry, "text", "") for entry in world.model.requests[-1].entries]
    assert said.count("one") == said.count("two") == said.count("three") == said.count("done") == 1


@pytest.mark.world(agent=slow, options=GatewayOptions(busy="interrupt"), commit_s=0.001)
async def test_a_flood_of_interrupts_loses_nothing(world):
    for n in range(30):
        await world.say("ada", str(n))
        await world.until(seconds=world.now + 0.0017 * n)
    await world.settle()
    assert set(await world.outcomes()) == {"answered"}
    check(world)


# --- /steer


async def test_steer_command_is_taken_in_by_the_running_turn_before_what_waits(world):
    world.model.script(tool("sleep", s=10), text("done"), text("next"))
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "later please")
    await world.say("ada", "/steer faster")
    await world.settle()
    assert [row.turn for row in await world.ledger()] == [1, 2, 1]
    assert world.model.requests[1].entries[-1].text == "faster"
    assert await world.outcomes() == ["answered"] * 3


@pytest.mark.world(agent=echo)
async def test_steer_command_with_nothing_running_is_a_message(world):
    await world.say("ada", "/steer hello")
    await world.settle()
    assert world.texts("ada", "final") == ["re: hello"]


# --- turns_max


@pytest.mark.world(agent=slow, options=GatewayOptions(turns_max=2))
async def test_past_turns_max_sessions_wait_first_come_first_served(world):
    for n in range(5):
        await world.say(f"user{n}", "hello")
        await world.until(seconds=world.now + 0.1)
    await world.settle()
    at = [
        next(
            round(call.at, 3)
            for call in world.platform.calls
            if call.delivery.address.chat == f"user{n}" and call.delivery.op == "send"
        )
        for n in range(5)
    ]
    assert at == [10, 10.1, 20, 20.1, 30]


@pytest.mark.world(agent=slow, options=GatewayOptions(turns_max=1))
async def test_a_session_that_waits_for_its_place_has_claimed_nothing(world):
    await world.say("ada", "one")
    await world.until(seconds=0.1)
    await world.say("bob", "one")
    await world.until(seconds=1)
    await world.say("bob", "two")
    await world.settle()
    assert world.texts("bob", "final") == ["re: one + two"]


@pytest.mark.world(agent=slow, options=GatewayOptions(turns_max=1))
async def test_commands_never_wait_for_a_place_and_status_shows_it(world):
    for user in ("ada", "bob", "eve"):
        await world.say(user, "hello")
        await world.until(seconds=world.now + 0.1)
    await world.say("eve", "/status")
    assert "Waiting for a place among the turns that run: 2 in line." in await world.reply("eve")
    assert world.now < 1
    await world.say("ada", "/status")
    assert "in line" not in await world.reply("ada")


@pytest.mark.world(agent=slow)
async def test_who_has_a_place_at_once_is_in_no_line_at_no_moment(world):
    await world.say("ada", "hello")
    shown = []
    while not world.gateway.river.turns.places.held:
        await trio.lowlevel.checkpoint()
        shown += world.gateway.river.status_lines(Key("memory", "main", "ada"))
    assert shown
    assert not [line for line in shown if "in line" in line]


async def waits(turn):
    if turn.text == "sleep":
        await turn.sleep(100)
    elif turn.text == "ask":
        return await turn.ask("what?")
    else:
        await trio.sleep(10)
    return "done"


@pytest.mark.world(agent=waits, options=GatewayOptions(turns_max=1))
async def test_a_turn_that_sleeps_or_asks_holds_no_place(world):
    await world.say("ada", "sleep")
    await world.until(seconds=0.1)
    await world.say("bob", "ask")
    await world.until(seconds=0.2)
    await world.say("eve", "work")
    await world.until(seconds=11)
    assert world.texts("eve", "final") == ["done"]
    await world.say("bob", "this")
    await world.until(seconds=12)
    assert world.texts("bob", "final") == ["this"]
    await world.settle()
    assert world.now == 100
    assert world.gateway.river.turns.places.held == 0


@pytest.mark.world(options=GatewayOptions(turns_max=1))
async def test_a_place_is_free_again_after_every_kind_of_end(world):
    world.model.script(hangs())
    await world.say("ada", "one")
    await world.until(seconds=1)
    await world.say("ada", "/stop")
    await world.settle()
    world.model.script(hangs())
    await world.say("ada", "two")
    await world.until(seconds=2)
    await world.say("ada", "/new")
    await world.settle()
    await world.say("bob", "hello")
    await world.settle()
    assert world.texts("bob", "final") == ["you said: hello"]
    assert world.gateway.river.turns.places.held == 0


# --- nothing to do


@pytest.mark.world(agent=echo)
async def test_a_task_that_is_woken_with_nothing_waiting_starts_no_turn_and_leaves(world):
    await world.say("ada", "/status")
    await world.settle()
    assert world.db.execute("select count(*) from turn").fetchone() == (0,)
    assert not world.gateway.river.sessions.live


@pytest.mark.world(agent=echo)
async def test_idle_sessions_have_no_task(world):
    for n in range(100):
        await world.say(f"user{n}", "hello")
    await world.settle()
    assert not world.gateway.river.sessions.live
    assert not world.gateway.river.lanes.live
    names = {task.name for task in _tasks(trio.lowlevel.current_root_task())}
    assert not [name for name in names if name.startswith(("session", "lane", "commands"))]


def _tasks(task):
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from _tasks(child)
