"""Giving memory back is a service to the machine: it ends nothing else, whatever the machine is out of."""

from __future__ import annotations

import trio

from hermes_trio.daemon.heap import EVERY_S, give_back
from tests.descriptors import descriptors_left


async def test_without_a_descriptor_it_looks_again_later(autojump_clock):
    rested = trio.Event()

    async def at_rest():
        rested.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(give_back, at_rest)
        await trio.testing.wait_all_tasks_blocked()
        grown = b"x" * (32 << 20)
        with descriptors_left(0):
            await trio.sleep(2 * EVERY_S + 1)
            assert not rested.is_set()
        with trio.fail_after(EVERY_S):
            await rested.wait()
        nursery.cancel_scope.cancel()
    assert grown
