"""What the tests of adapters hear with."""

from __future__ import annotations

from typing import Any

import trio

from hermes_trio.values.message import Message, Undecodable


class HeardIntake:
    """An Intake that keeps what it accepts. `shut()` makes accept wait, as a slow store would."""

    def __init__(self, cursor: str | None = None) -> None:
        self.cursor = cursor
        self.heard: list[Message | Undecodable] = []
        self.cycles = 0
        self.failures: list[str] = []
        self.reached: list[str] = []
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
        self.heard += updates
        self.cursor = cursor or self.cursor
        self._tell()

    def received(self) -> None:
        self.cycles += 1
        self._tell()

    def reachable(self, chat: str) -> None:
        self.reached.append(chat)
        self._tell()

    def failed(self, why: str) -> None:
        self.failures.append(why)
        self._tell()

    @property
    def texts(self) -> list[str]:
        return [update.text for update in self.heard if isinstance(update, Message)]

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def hears(self, count: int) -> None:
        """Return when so many messages have come."""
        await self.until(lambda: len(self.heard) >= count)

    async def until(self, condition, within_s: float = 5.0) -> Any:
        with trio.fail_after(within_s):
            while not (value := condition()):
                await self._changed.wait()
        return value
