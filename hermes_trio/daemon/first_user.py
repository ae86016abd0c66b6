"""How setup learns who its user is: who writes the word that it shows. Nothing is confirmed by this."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import trio
from msgspec import Struct

from hermes_trio.config.accounts import Account
from hermes_trio.errors import PlatformDown
from hermes_trio.ports.platform import AdapterContext
from hermes_trio.runtime.clock import SystemClock, system_chance
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.values.message import Message, Moved, Undecodable

AGAIN_S = 1.0


class Met(Struct, frozen=True):
    """Who wrote the word.

    Args:
        user: the id that never changes hands.
    """

    user: str
    name: str


class _Listener:
    """An Intake that keeps nothing: what it was handed stays at the service, for the daemon."""

    cursor: str | None = None

    def __init__(self, word: str) -> None:
        self.met: Met | None = None
        self.scope = trio.CancelScope()
        self._word = word
        self._handed = False

    async def accept(
        self, updates: Sequence[Message | Undecodable | Moved], *, cursor: str | None = None
    ) -> None:
        await trio.lowlevel.checkpoint()
        self._handed = self._handed or bool(updates)
        for update in updates:
            if not isinstance(update, Message) or not update.private or update.address.user is None:
                continue
            if self._word in update.text.split():
                self.met = Met(update.address.user, update.sender)
                self.scope.cancel()

    def received(self) -> None:
        # The next poll would confirm what this one gave.
        if self._handed:
            self.scope.cancel()

    def reachable(self, chat: str) -> None:
        """Nobody waits for that."""

    def failed(self, why: str) -> None:
        """It is tried again."""


async def who_writes(
    word: str, account: Account, state_dir: Path, redact: Redactor, within_s: float
) -> Met | None:
    """Wait for a message to the account, alone with it, that holds the word; None: nobody wrote it in time.

    Cancelled: receiving ends; what came is still there for the next who receives.

    Raises:
        AccountRefused, PollConflict: the service refuses the account, or another program receives for it.
    """
    context = AdapterContext(state_dir, system_chance(), SystemClock(), redact.learn)
    with trio.move_on_after(within_s):
        while True:
            platform = account.build(context)
            listener = _Listener(word)
            try:
                with listener.scope:
                    async with platform.open():
                        await platform.serve(listener)
            except PlatformDown:
                pass  # as a supervisor has it: it is tried again
            if listener.met is not None:
                return listener.met
            await trio.sleep(AGAIN_S)
    return None
