"""The receiver that a checked platform is given. It keeps what it got, and can be as slow as a full store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from hermes_trio.errors import AgentError
from hermes_trio.intake.soundness import check_use, looked_at
from hermes_trio.values.message import Message, Moved, Undecodable


class Taken:
    """What is durable: the cursor, and each update that was accepted. It outlives a platform.

    Attributes:
        cursor: the platform's position at the last commit.
        updates: those that were new, in order.
        again: redelivered ones, which were refused silently.
        waits_for: what the check waited for last.
    """

    def __init__(self) -> None:
        self.cursor: str | None = None
        self.updates: list[Message | Undecodable | Moved] = []
        self.again: list[str] = []
        self.waits_for = ""

    def commit(self, updates: Sequence[Message | Undecodable | Moved], cursor: str | None) -> None:
        """Take what is new, and the cursor."""
        known = {update.native for update in self.updates}
        for update in updates:
            if update.native in known:
                self.again.append(update.native)
            else:
                known.add(update.native)
                self.updates.append(update)
        self.cursor = self.cursor if cursor is None else cursor


class Hearing:
    """An Intake that writes what is taken.

    Args:
        account: `platform/account`, which all that is handed over has to come from.

    Attributes:
        offered: every update that `accept` was called with, durable or not.
        cycles: how often `received` was said.
        failures: what `failed` was told.
    """

    def __init__(self, taken: Taken, account: str) -> None:
        self.account = account
        self.cursor = taken.cursor
        self.offered: list[Message | Undecodable | Moved] = []
        self.cycles = 0
        self.failures: list[str] = []
        self._taken = taken
        self._open = trio.Event()
        self._open.set()
        self._changed = trio.Event()

    def shut(self) -> None:
        """`accept` waits from now on, as for a store that is full. An empty batch has nothing to wait for."""
        self._open = trio.Event()

    def reopen(self) -> None:
        """`accept` goes on."""
        self._open.set()

    async def accept(
        self, updates: Sequence[Message | Undecodable | Moved], *, cursor: str | None = None
    ) -> None:
        """See the port.

        Raises:
            AgentError: an update is not what it has to be. A gateway would keep it as what cannot be decoded.
        """
        check_use(updates, cursor)
        for update in updates:
            if not isinstance(update, Moved) and (wrong := looked_at(update, self.account)[1]):
                raise AgentError(f"accept: {wrong}")
        self.offered += updates
        self._change()
        await trio.lowlevel.checkpoint()
        if updates:
            await self._open.wait()
        self._taken.commit(updates, cursor)
        self.cursor = self._taken.cursor
        self._change()

    def received(self) -> None:
        """See the port."""
        self.cycles += 1
        self._change()

    def reachable(self, chat: str) -> None:
        """See the port."""
        self._change()

    def failed(self, why: str) -> None:
        """See the port."""
        self.failures.append(why)
        self._change()

    async def until(self, what: str, holds: Callable[[], object]) -> None:
        """Return when it holds; it is looked at after each call of the platform.

        Args:
            what: is waited for, as a sentence, for whoever waits too long.
        """
        before, self._taken.waits_for = self._taken.waits_for, what
        while not holds():
            await self._changed.wait()
        self._taken.waits_for = before

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
