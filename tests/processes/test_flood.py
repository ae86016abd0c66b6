"""A program that prints without end takes a tenth of the loop's time: I8 holds beside it."""

from __future__ import annotations

import os
import resource
import time

import pytest
import trio

from tests.processes.test_real_programs import house  # noqa: F401 - a fixture

FLOODS = {
    "lines": {"command": "yes"},
    "one line": {"command": "cat /dev/zero | tr '\\0' x"},
    "watched": {"command": "yes error", "watch_patterns": ["error", "warning"]},
    "escapes": {"command": "yes \"$(printf '\\033[1mx\\033[0m')\""},
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_starves_nobody(house, flood):  # noqa: F811
    async with house.open():
        for n in range(3):
            house.say("c", action="start", **FLOODS[flood])
            await house.shows("c", n + 1)
        spent, began = _cpu_s(), trio.current_time()
        late = 0.0
        while trio.current_time() - began < 1.5:
            asked = time.perf_counter()
            await trio.sleep(0.01)
            late = max(late, time.perf_counter() - asked - 0.01)
        share = (_cpu_s() - spent) / (trio.current_time() - began)
        assert share < 0.5
        assert late < 1
        count = len(house.platform.texts("c"))
        with trio.fail_after(2):
            house.say("c", "/status")
            while not any("In the background, 3" in shown for shown in house.platform.texts("c")[count:]):
                await house.platform.changed()
        house.say("c", "/stop all")
        await house.until(lambda alive: alive == 0)


async def test_what_is_said_last_is_heard_also_of_one_that_floods(house):  # noqa: F811
    async with house.open():
        house.say("c", command="yes | head -c 3000000; echo the end")
        with trio.fail_after(10):
            while 'y\\nthe end\\n"' not in "".join(house.platform.texts("c")):
                await house.platform.changed()


async def test_one_that_is_killed_while_it_is_read_has_its_end(house):  # noqa: F811
    async with house.open():
        for n in range(1, 6):
            house.say("c", action="start", command="yes")
            await house.shows("c", 2 * n - 1)
            house.say("c", action="kill", id=n)
            assert '"state":"killed","exit_code":-15' in await house.shows("c", 2 * n)


@pytest.mark.slow
async def test_one_that_does_not_read_its_input_holds_nobody_for_ever(house):  # noqa: F811
    async with house.open():
        house.say("c", action="start", command="exec sleep 1000")
        await house.shows("c", 1)
        house.say("c", '{"action": "write", "id": 1, "text": "x", "times": 70000}')
        assert "it does not read its input" in await house.shows("c", 2)


async def test_nothing_is_left_open(house):  # noqa: F811
    async with house.open():
        house.say("c", command="true")
        await house.shows("c", 1)
        await house.until(lambda alive: alive == 0)
        before = len(os.listdir("/proc/self/fd"))
        for n in range(2, 7):
            house.say("c", command="sleep 1000 & echo")
            await house.shows("c", n)
        with trio.fail_after(5):
            while len(os.listdir("/proc/self/fd")) > before:  # noqa: ASYNC110
                await trio.sleep(0.02)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
