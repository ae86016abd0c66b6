"""What turns want when they have lasted is begun in time; what shows nothing yet is no task."""

import gc

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import open_world
from hermes_trio.turns.delayed_starts import DROPPED_MAX, DelayedStart, DelayedStarts


@pytest.fixture
def delayed(nursery):
    delayed = DelayedStarts()
    nursery.start_soon(delayed.serve)
    return delayed


async def test_what_is_wanted_sooner_is_begun_sooner_whoever_came_first(delayed, autojump_clock):
    began = []
    start = trio.current_time()
    for seconds in (180, 0.5, 3, 0.5):
        delayed.after(seconds, lambda s=seconds: began.append((s, trio.current_time() - start)))
    await trio.sleep(1)
    delayed.after(1, lambda: began.append((1, trio.current_time() - start)))
    await trio.sleep(1000)
    assert began == [(0.5, 0.5), (0.5, 0.5), (1, 2), (3, 3), (180, 180)]


async def test_what_was_dropped_is_not_begun_and_what_stands_behind_it_is(delayed, autojump_clock):
    began = []
    first = delayed.after(1, lambda: began.append("first"))
    delayed.after(2, lambda: began.append("second"))
    await trio.sleep(0.5)
    first.drop()
    await trio.sleep(10)
    assert began == ["second"]
    first.drop()
    delayed.after(1, lambda: began.append("third"))
    await trio.sleep(10)
    assert began == ["second", "third"]


async def test_what_was_dropped_is_not_kept_until_its_time(delayed, autojump_clock):
    for _ in range(20 * DROPPED_MAX):
        delayed.after(180, print).drop()
    gc.collect()
    kept = sum(isinstance(one, DelayedStart) and one._of is delayed for one in gc.get_objects())
    assert kept <= DROPPED_MAX + 1


def tasks_of(nursery):
    for task in nursery.child_tasks:
        yield task.name
        for child in task.child_nurseries:
            yield from tasks_of(child)


async def test_a_turn_that_waits_for_its_model_has_one_task_beside_its_own(autojump_clock):
    async def works(turn):
        await trio.sleep(30)
        turn.stream("so ")
        await trio.sleep(30)
        return "so it is"

    names = {}
    async with open_world(agent=works, options=GatewayOptions(progress_every_s=50)) as world:
        await world.say("u1", "hi")
        for at in (20, 40, 55):
            await world.until(seconds=at)
            roots = trio.lowlevel.current_root_task().child_nurseries
            found = [name for nursery in roots for name in tasks_of(nursery)]
            names[at] = sorted(name for name in found if name in ("typing", "preview", "progress"))
    assert names == {
        20: ["typing"],
        40: ["preview", "typing"],
        55: ["preview", "progress", "typing"],
    }
