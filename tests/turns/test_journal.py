"""Steps: what ran once returns what it returned, across any crash."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
import trio

from hermes_trio.errors import AgentError, StepFailed, StepMismatch, StepUnknown
from hermes_trio.testing import open_world
from tests.invariants.at_rest import check
from tests.scenes import crash_and_go_on


async def reasons(world) -> list[str]:
    return [row.reason for row in await world.ledger()]


# --- values


async def test_a_value_of_a_type_comes_back_as_that_the_first_time_too(autojump_clock):
    seen = []

    class Pair(msgspec.Struct):
        a: int
        b: tuple[int, int]

    async def make():
        return Pair(1, (2, 3))

    async def agent(turn):
        seen.append(await turn.step("pair", make, type=Pair))
        await turn.sleep(10)
        return "done"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert seen == [Pair(1, (2, 3))] * 2
        check(world)


async def test_a_set_among_the_arguments_is_the_same_in_whatever_order_it_stands(autojump_clock):
    orders = [[0, 8], [8, 0]]
    assert list(map(list, map(set, orders))) == orders  # as those of two processes

    async def agent(turn):
        async def fn(numbers):
            return len(numbers)

        count = await turn.step("count", fn, set(orders[turn.attempt - 1]))
        await turn.sleep(10)
        return str(count)

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert world.texts("ada", "final") == ["2"]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: object(), "no JSON"),
        (lambda: "x" * (1 << 20), "1048578 bytes"),
        (lambda: {(1, 2): 3}, "no JSON"),
    ],
)
async def test_a_value_that_cannot_be_recorded_is_a_failure_of_the_step(autojump_clock, make, reason):
    seen = []

    async def agent(turn):
        async def fn():
            seen.append("ran")
            return make()

        try:
            await turn.step("big", fn)
        except AgentError as error:
            seen.append(f"{type(error).__name__} {reason in str(error)}")
        await turn.sleep(10)
        return "done"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert seen == ["ran", "AgentError True", "StepFailed True"]
        assert world.texts("ada", "final") == ["done"]


async def test_a_value_of_one_mebibyte_is_recorded(autojump_clock):
    async def fn():
        return "x" * ((1 << 20) - 2)

    async def agent(turn):
        return str(len(await turn.step("big", fn)))

    async with open_world(agent) as world:
        await world.say("ada", "go")
        assert await world.reply("ada") == str((1 << 20) - 2)


# --- the op id


async def test_the_op_id_is_the_same_in_every_attempt_and_another_for_every_call(autojump_clock):
    ops = []

    async def fn(*, op):
        ops.append(op)
        await trio.sleep(10)

    async def agent(turn):
        await turn.step("one", fn, idempotent=True)
        await turn.step("one", fn, idempotent=True)
        await turn.step("two", fn, idempotent=True)

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=15)
        await crash_and_go_on(world)
        assert len(ops) == 4
        assert ops[1] == ops[2]
        assert len(set(ops)) == 3


# --- an intent without a result


async def test_a_step_that_is_not_idempotent_and_began_is_unknown(autojump_clock):
    ran = []

    async def agent(turn):
        async def fn():
            ran.append(1)
            await trio.sleep(10)

        try:
            await turn.step("pay", fn)
        except StepUnknown as error:
            return str(error)
        return "paid"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert ran == [1]
        assert world.texts("ada", "final") == [
            "step 'pay' call 1 began before a crash; its outcome is unknown"
            " (with idempotent=True it would run again)"
        ]


async def test_an_idempotent_step_runs_again(autojump_clock):
    ran = []

    async def agent(turn):
        async def fn():
            ran.append(1)
            await trio.sleep(10)
            return "read"

        return await turn.step("read", fn, idempotent=True)

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert ran == [1, 1]
        assert world.texts("ada", "final") == ["read"]


# --- failures


async def test_a_failure_is_raised_as_itself_first_and_as_step_failed_on_replay(autojump_clock):
    seen = []

    async def fn():
        seen.append("ran")
        raise KeyError("nothing there")

    async def agent(turn):
        try:
            await turn.step("look", fn)
        except (KeyError, StepFailed) as error:
            seen.append(repr(error))
            kind = error.kind if isinstance(error, StepFailed) else ""
        await turn.sleep(10)
        return f"{kind}"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert seen == ["ran", "KeyError('nothing there')", "StepFailed(\"KeyError: 'nothing there'\")"]
        assert world.texts("ada", "final") == ["KeyError"]


@pytest.mark.parametrize("idempotent", [True, False])
async def test_an_error_of_ours_is_a_failure_like_any_other(autojump_clock, idempotent):
    """Only a fence, a disk, and what is outside and may be asked again are not the step's own result."""
    seen = []

    async def fn():
        seen.append("ran")
        raise AgentError("mine")

    async def agent(turn):
        try:
            await turn.step("look", fn, idempotent=idempotent)
        except AgentError as error:
            seen.append(type(error).__name__)
        await turn.sleep(10)
        return "done"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert seen == ["ran", "AgentError", "StepFailed"]
        assert world.texts("ada", "final") == ["done"]


async def test_a_cancel_is_not_recorded(autojump_clock):
    async def fn():
        await trio.sleep(10)
        return "late"

    async def agent(turn):
        with trio.move_on_after(1):
            return await turn.step("slow", fn, idempotent=True)
        return "moved on"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        assert await world.reply("ada") == "moved on"
        assert world.db.execute("select count(*) from step").fetchone() == (0,)


async def quick(*args):
    return list(args)


# --- mismatches


async def test_other_arguments_than_recorded_fail_the_turn_with_both(autojump_clock):
    async def agent(turn):
        await turn.step("look", quick, turn.attempt)
        await turn.sleep(10)

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert await reasons(world) == ["StepMismatch"]
        (line,) = [line for line in world.lines("turn closed") if line.get("why")]
        assert "step 'look' call 1: recorded with the arguments " in line["error"]
        assert ", asked for with " in line["error"]
        check(world)


async def test_a_recorded_step_that_is_not_asked_for_fails_the_turn_with_both(autojump_clock):
    async def agent(turn):
        await turn.step("first" if turn.attempt == 1 else "other", quick)
        await turn.sleep(10)

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert await reasons(world) == ["StepMismatch"]
        (line,) = [line for line in world.lines("turn closed") if line.get("why")]
        assert (
            "step 'first' call 1 is recorded and was not asked for, and 'other' call 1 is not"
            in line["error"]
        )


async def test_a_mismatch_that_is_swallowed_fails_the_turn_all_the_same(autojump_clock):
    async def agent(turn):
        with contextlib.suppress(StepMismatch):
            await turn.step("look", quick, turn.attempt)
        await turn.sleep(10)
        return "as if nothing had happened"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=5)
        await crash_and_go_on(world)
        assert await reasons(world) == ["StepMismatch"]
        assert world.texts("ada", "final") == []


@pytest.mark.parametrize("idempotent", [True, False])
async def test_two_running_steps_may_not_share_a_name(autojump_clock, idempotent):
    async def agent(turn):
        async def slow():
            await trio.sleep(1)

        async with trio.open_nursery() as nursery:
            for _ in range(2):
                nursery.start_soon(lambda: turn.step("same", slow, idempotent=idempotent))

    async with open_world(agent, commit_s=0.001) as world:
        await world.say("ada", "go")
        await world.settle()
        assert await reasons(world) == ["StepMismatch"]


async def test_a_shared_name_that_is_swallowed_fails_the_turn_all_the_same(autojump_clock):
    async def agent(turn):
        async def slow():
            await trio.sleep(1)

        async def once():
            with contextlib.suppress(StepMismatch):
                await turn.step("same", slow)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(once)
            nursery.start_soon(once)
        return "as if nothing had happened"

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.settle()
        assert await reasons(world) == ["StepMismatch"]


async def test_two_running_steps_of_two_names_are_fine_and_a_name_is_free_again(autojump_clock):
    async def agent(turn):
        async def slow(n):
            await trio.sleep(n)
            return n

        async with trio.open_nursery() as nursery:
            nursery.start_soon(lambda: turn.step("a", slow, 1))
            nursery.start_soon(lambda: turn.step("b", slow, 2))
        return str(await turn.step("a", slow, 3))

    async with open_world(agent) as world:
        await world.say("ada", "go")
        assert await world.reply("ada") == "3"
        assert world.now == 5
