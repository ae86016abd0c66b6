"""An agent."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Protocol

from hermes_trio.values.actions import Silence


class Agent(Protocol):
    """A coroutine function that answers a turn, an `async def agent(turn)` or an object that is called so.

    One that is an object may have the attributes `name` (shown in status), `history_chars` (so much of the
    transcript is read with each turn's messages), `memory_bytes` (so much may be kept of conversations
    between their turns) and `steerable = True` (it asks `turn.steered()` after each step, so that a turn that
    goes on after a crash can be told of messages that came meanwhile).
    """

    def __call__(self, turn: Any, /) -> Awaitable[str | Silence | None]:
        """The final reply as markdown, a Silence, or None, which says that the last `say` was it.

        Called again from its first line when the turn goes on after a crash. What it raises fails the turn:
        its messages have the outcome `failed`, its chat is told one sentence. `NoCredentials` refuses or
        keeps them. Cancelled: what its verbs have committed stays; who cancels has said what becomes of it.
        """
