"""What a boot promises to write down: its beginning and end, and what becomes of what older boots left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hermes_trio.values.delivery import Part
from hermes_trio.values.recording import Setup
from hermes_trio.values.stored import Booted

CALM_S = 60.0
"""So long a boot has to last, where those before it ended badly, before paused turns go on."""


class BootStore(Protocol):
    """Boots, and the turns that older ones left running."""

    async def begin_boot(self, setup: Setup | None = None) -> Booted:
        """Begin a new boot. Deliveries that older boots had begun become unknown; interruptions are counted.

        Args:
            setup: options, accounts and agent of this boot, kept for recordings.
        """

    async def end_boot(self) -> None:
        """The last commit of a boot that ended as asked."""

    async def abandon(self, turn: int, reason: str, text: str = "", *, suspend: bool = False) -> None:
        """Close a turn that an older boot left running, with one notice to its chat if there is a text.

        The session's next turn gets a note that says what was cut short.

        Args:
            suspend: its session ends too; it is kept, and `resume` opens it again.
        """

    async def pause(self, turn: int, text: str) -> None:
        """Pause a turn that an older boot left running. Its chat is told once, if there is a text. The next
        message to its session, or `release`, lets it go on."""

    async def release(self) -> int:
        """Consequences: every paused turn goes on. Returns how many."""

    async def conclude(self, turn: int, parts: Sequence[Part]) -> None:
        """Close a turn that an older boot left running with its answer recorded. The answer is sent now.

        Args:
            parts: the answer, split for its platform.
        """

    async def checkpoint(self, why: str) -> int:
        """Write reason and time on every running turn of this boot. Returns how many."""

    async def wake_all(self) -> None:
        """Consequences only: every key and lane that has rows to look at."""

    async def commands_waiting(self) -> int:
        """Consequences: every key with unsettled commands is woken. Returns how many commands."""
