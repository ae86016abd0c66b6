"""A disk that blinks when a gateway begins to listen costs that a moment, and nobody else anything."""

from __future__ import annotations

import trio

from hermes_trio import open_gateway
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.runtime.retry import AGAIN_FIRST_S
from hermes_trio.store.sqlite.store import SqliteStore
from hermes_trio.testing import MemoryPlatform
from hermes_trio.testing.disk import empty_disk


async def answers(turn):
    return turn.text


async def inline(work):
    work()
    await trio.lowlevel.checkpoint()


async def test_where_an_account_goes_on_is_asked_again(autojump_clock):
    disk, platform = empty_disk(), MemoryPlatform()
    store = SqliteStore(disk, SystemClock(), inline, close=disk.close)
    async with open_gateway(answers, platforms=[platform], store=store) as gateway:
        began = trio.current_time()
        disk.unread_in = 1
        await gateway.ready()
        assert trio.current_time() - began == AGAIN_FIRST_S
