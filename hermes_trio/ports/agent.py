"""An agent, and what it says of itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from hermes_trio.values.actions import Silence
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.recording import AgentSetup
from hermes_trio.values.views import FailingModel, KeyView

TurnT = TypeVar("TurnT", contravariant=True)


class Pool(Protocol):
    """A pool of keys: the gateway shows their state, and keeps it over restarts. See `KeyPool`."""

    def recall(self, cooldowns: Sequence[KeyCooldown]) -> None:
        """Take over what an earlier boot knew."""

    def cooldowns(self) -> Mapping[tuple[str, str], KeyCooldown]:
        """What is known of the keys that were refused, by fingerprint and scope."""

    def watched(self, changed: Callable[[], None]) -> AbstractContextManager[None]:
        """While the body runs, call `changed`, synchronously, when what `cooldowns` returns has changed."""

    def views(self) -> Sequence[KeyView]:
        """A row for each key."""


class AgentProfile(Struct, frozen=True, kw_only=True):
    """What an agent tells its gateway about itself.

    Args:
        name: shown in status.
        history_chars: how many characters of the transcript are read when a turn is opened.
        memory_bytes: how much of conversations may be kept in memory between their turns.
        steerable: it calls `turn.steered()` after each step. So a turn that goes on after a crash can take in
            messages that came meanwhile.
        pools: its pools of keys. The state of the keys is shown, and outlives the process.
        failing: called synchronously; the models whose last call failed. Shown in status.
        setup: its prompt, tools and limits, for recordings.
    """

    name: str = ""
    history_chars: int = 0
    memory_bytes: int = 0
    steerable: bool = False
    pools: Sequence[Pool] = ()
    failing: Callable[[], Sequence[FailingModel]] = tuple
    setup: AgentSetup | None = None


class Agent(Protocol[TurnT]):
    """Answers a turn: an `async def agent(turn)`, or an object that is called like one.

    Such an object may have a `profile`, an `AgentProfile`. Without one the defaults hold.
    `testing.check_agent` looks at what an agent must do.
    """

    def __call__(self, turn: TurnT, /) -> Awaitable[str | Silence | None]:
        """Return the answer as markdown, a Silence, or None, if the last `say` was the answer.

        Called again from its first line when the turn goes on after a crash. An exception fails the turn: its
        messages have the outcome `failed`, and its chat is told one sentence. After `NoCredentials` they are
        refused or deferred instead. Cancelled: what its verbs have committed stays. Whoever cancels has
        written before what becomes of the turn.
        """


def profile_of(agent: object) -> AgentProfile:
    """The agent's profile. A plain function has the defaults, and where it is written as its name."""
    said = getattr(agent, "profile", None)
    profile = said if isinstance(said, AgentProfile) else AgentProfile()
    return profile if profile.name else replace(profile, name=_where_it_is(agent))


def _where_it_is(agent: object) -> str:
    """What status shows of a function: "my_bot:agent"."""
    name = getattr(agent, "__qualname__", "")
    return f"{getattr(agent, '__module__', '')}:{name}" if name else type(agent).__name__
