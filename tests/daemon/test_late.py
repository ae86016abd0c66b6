"""A start or a stop that takes too long is told with the tasks that are in the way, and their lines."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio

from hermes_trio.daemon.late import tell_late


class Lines:
    """A log that keeps its lines."""

    def __init__(self):
        self.lines = []

    def error(self, event, **fields):
        self.lines.append((trio.current_time(), event, fields))

    def of(self, name):
        return [(at, event, fields) for at, event, fields in self.lines if fields["task"] == name]


@asynccontextmanager
async def an_adapters_open():
    await trio.sleep_forever()
    yield


async def waits_for_open():
    async with an_adapters_open():
        pass


async def test_a_start_that_hangs_is_told_with_the_line_where_it_waits(autojump_clock):
    log, began = Lines(), trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(waits_for_open, name="gateway")
        nursery.start_soon(tell_late, log, trio.Event().wait, trio.Event(), 30.0)
        await trio.sleep(16)
        nursery.cancel_scope.cancel()
    [(at, event, fields)] = log.of("gateway")
    assert (at - began, event, fields["for_s"]) == (15, "start late", 15)
    assert f"{__file__}:" in fields["traceback"]
    assert "await trio.sleep_forever()" in fields["traceback"]


async def test_a_stop_that_hangs_is_told_before_it_ends_by_force(autojump_clock):
    log, opened, stopping = Lines(), trio.Event(), trio.Event()
    opened.set()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(waits_for_open, name="account")
        nursery.start_soon(tell_late, log, opened.wait, stopping, 30.0)
        await trio.sleep(100)
        assert log.lines == []
        stopping.set()
        began = trio.current_time()
        await trio.sleep(27)
        nursery.cancel_scope.cancel()
    [(at, event, fields)] = log.of("account")
    assert (at - began, event, fields["for_s"]) == (26, "stop late", 26)
    assert "in an_adapters_open" in fields["traceback"]
