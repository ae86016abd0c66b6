"""What the adapter's tests hear with, and how they open the adapter against the fake."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

import trio
from hermes_telegram import Options, Telegram

from hermes_trio.values import Message, Secret, Undecodable
from tests.fakes.botapi import TOKEN


class Ear:
    """An Intake that keeps what it accepts. `shut()` makes accept wait, as a slow store would."""

    def __init__(self, cursor: str | None = None) -> None:
        self.cursor = cursor
        self.updates: list[Message | Undecodable] = []
        self.cycles = 0
        self.failures: list[str] = []
        self.asked = 0
        self._open = trio.Event()
        self._open.set()
        self._changed = trio.Event()

    def shut(self) -> None:
        self._open = trio.Event()

    def reopen(self) -> None:
        self._open.set()

    async def accept(self, updates, *, cursor=None) -> None:
        self.asked += 1
        self._tell()
        await self._open.wait()
        self.updates += updates
        self.cursor = cursor or self.cursor
        self._tell()

    def received(self) -> None:
        self.cycles += 1
        self._tell()

    def failed(self, why: str) -> None:
        self.failures.append(why)
        self._tell()

    @property
    def texts(self) -> list[str]:
        return [update.text for update in self.updates if isinstance(update, Message)]

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def until(self, condition, within_s: float = 5.0) -> Any:
        with trio.fail_after(within_s):
            while not (value := condition()):
                await self._changed.wait()
        return value


@asynccontextmanager
async def opened(url: str, **options: Any):
    """The adapter, open against the fake at `url`."""
    platform = Telegram(Options(token=Secret(TOKEN), api_url=url, **options), "main")
    async with platform.open():
        yield platform
