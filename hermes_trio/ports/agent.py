"""An agent, and what it says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from msgspec import Struct

from hermes_trio.values.actions import Silence
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.recording import AgentSetup
from hermes_trio.values.views import KeyView

TurnT = TypeVar("TurnT", contravariant=True)


class Pool(Protocol):
    """Keys to a model, as the gateway keeps over restarts what is known of them: `KeyPool`."""

    def recall(self, cooldowns: Sequence[KeyCooldown]) -> None:
        """Take over what an earlier boot knew."""

    def cooldowns(self) -> Mapping[tuple[str, str], KeyCooldown]:
        """What is known of the keys that were refused, by fingerprint and scope."""

    def watched(self, changed: Callable[[], None]) -> AbstractContextManager[None]:
        """While the body runs, call `changed`, synchronously, when what `cooldowns` returns has changed."""

    def views(self) -> Sequence[KeyView]:
        """A row for each key."""


class AgentProfile(Struct, frozen=True, kw_only=True):
    """What an agent says of itself to its gateway.

    Args:
        name: shown in status.
        history_chars: so much of the transcript is read with each turn's messages.
        memory_bytes: so much may be kept of conversations between their turns.
        steerable: it asks `turn.steered()` after each step, so that a turn that goes on after a crash can be
            told of messages that came meanwhile.
        pools: its keys. What is known of them is shown, and outlives the process.
        setup: what shapes it, for recordings.
    """

    name: str = ""
    history_chars: int = 0
    memory_bytes: int = 0
    steerable: bool = False
    pools: Sequence[Pool] = ()
    setup: AgentSetup | None = None


class Agent(Protocol[TurnT]):
    """A coroutine function that answers a turn, an `async def agent(turn)` or an object that is called so.

    One that is an object may have a `profile`, an `AgentProfile`. What it does not say has the default.
    """

    def __call__(self, turn: TurnT, /) -> Awaitable[str | Silence | None]:
        """The final reply as markdown, a Silence, or None, which says that the last `say` was it.

        Called again from its first line when the turn goes on after a crash. What it raises fails the turn:
        its messages have the outcome `failed`, its chat is told one sentence. `NoCredentials` refuses or
        keeps them. Cancelled: what its verbs have committed stays; who cancels has said what becomes of it.
        """


def profile_of(agent: object) -> AgentProfile:
    """What an agent says of itself. A plain function says nothing."""
    said = getattr(agent, "profile", None)
    return said if isinstance(said, AgentProfile) else AgentProfile()
