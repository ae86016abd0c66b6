"""A chat platform."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from hermes_trio.ports.system import Chance, WallClock
from hermes_trio.values.delivery import Capabilities, Delivery, Part, Receipt
from hermes_trio.values.identity import Policy, Secret
from hermes_trio.values.message import Message, Moved, Undecodable


class Intake(Protocol):
    """What takes an account's updates in: the gateway's receiver, handed to `Platform.serve`.

    Attributes:
        cursor: the platform's position at the last commit, None at the very first start.
    """

    cursor: str | None

    async def accept(
        self, updates: Sequence[Message | Undecodable | Moved], *, cursor: str | None = None
    ) -> None:
        """Return when all updates and the cursor are durable, in one transaction.

        Only then may the platform be told that we have them. Updates that are delivered again are refused by
        their `native` id, silently. A `Moved` is followed before the messages of its batch are looked at. May
        wait for long while the store is slow: that is the backpressure. While the store fails, it is tried
        again. Cancelled, nothing or everything of the batch is durable.

        Raises:
            IntakeClosed: the gateway goes down and takes nothing any more, also from a connection that
                outlives `serve`. Nothing of the batch was written, and the platform must not be told that we
                have it.
        """

    def received(self) -> None:
        """Say that a receive cycle has completed; an empty long poll counts. The account is healthy."""

    def reachable(self, chat: str) -> None:
        """Say that a chat which could not be reached is there again: what is owed to it is sent at once.

        For a platform whose chats come and go one by one. Without this call it is sent after a while.
        """

    def failed(self, why: str) -> None:
        """Say that receiving fails at the moment. The account shows as degraded until `received`."""


@runtime_checkable
class Platform(Protocol):
    """A configured account on a chat service.

    Attributes:
        name: the platform's name, "telegram".
        account: which of its accounts, "main".
        capabilities: what it can do.
        policy: who may speak to it. Set by whoever configures it; only the core decides by it.
    """

    name: str
    account: str
    capabilities: Capabilities
    policy: Policy

    def open(self) -> AbstractAsyncContextManager[object]:
        """Own what `serve` and `deliver` share (an HTTP client). Entered before either, left after both.

        A stop cancels `serve` first, and `deliver` is called on: what is owed is said then.
        """

    async def serve(self, intake: Intake) -> None:
        """Receive until cancelled.

        Owns its connection: an error closes it, and the supervisor calls `serve` again with backoff.
        Raises AccountRefused (the account stops, visibly), PollConflict or PlatformDown, bare and without a
        secret in it; anything else is a defect (logged, restarted).

        Updates are handed over in their order, each with a native id that never changes. An update is handed
        over again until `accept` has returned for it, and not any more after the service was told so.
        Returning means that there will never be input again (end of a pipe): the gateway ends when all its
        platforms have returned and all messages have their outcome.
        Cancelled: leaves at once, and confirms nothing for which `accept` has not returned.
        """

    async def deliver(self, delivery: Delivery) -> Receipt:
        """Do one call and return the platform's proof.

        Called by the outbox only, one at a time per lane, concurrently for different lanes, also after
        `serve` has ended. A receipt says that the chat shows it. The receipt of a send has the message's id,
        by which it is edited and deleted. The text is rendered already: no markup is read in it. Editing a
        message to what it already shows, and deleting one that is gone, is a success. Executes a checkpoint
        however it ends. Cancelled before the call has begun: nothing is said. Cancelled later: it is
        said whole or not at all, nobody knows which, and the next delivery is not affected.

        Raises:
            NotSent: certain that the platform does not have it. Not connected is NotSent. ChatMoved is one:
                the delivery is made again, to the id that it names.
            SendRefused: certain that the platform will not take it; also for an op that the capabilities do
                not have.
            SendUnknown: the request went out and no answer came. It is not tried again here.
        Nothing else, and none with a secret in its text or in what caused it.
        """

    def split(self, text: str) -> Sequence[Part]:
        """Render markdown and split it, rendered, into parts of at most `capabilities.text_max - 4` units.

        Pure. For a long text it is called in a thread, while it may be called in the loop too: it touches
        neither the loop nor any state that the platform changes. Returns at least one part, a blank one only
        for a blank text. The parts together hold every visible character of the rendered answer. No cut falls
        inside of what a reader sees as one character. The four units are room for the mark of a possible
        repeat; `deliver` takes a text of `text_max`.
        """


@runtime_checkable
class CommandMenu(Protocol):
    """What a platform may also have: a menu of commands in its clients.

    Attributes:
        menu: the name and the help of each command, in order. Set before `serve`, which shows as much of it
            as the platform takes. A command that the platform does not take costs neither the other commands
            nor the account.
    """

    menu: Sequence[tuple[str, str]]


class Probed(Struct, frozen=True):
    """What a service said of an account that was tried.

    Args:
        name: what people call it there: "@hermes_bot".
        troubles: what keeps it from working as it is configured, a sentence each, with the mend.
    """

    name: str
    troubles: tuple[str, ...] = ()


@runtime_checkable
class Probing(Protocol):
    """What a platform may also have: its account can be tried before somebody writes to it."""

    async def probe(self) -> Probed:
        """Ask the service for the account. Receives nothing, says nothing, changes nothing.

        Called within `open`, and not while `serve` runs. Has a time limit of its own. Cancelled: the call
        ends, and its connection is closed.

        Raises:
            AccountRefused: the service refuses the credentials.
            PlatformDown: the service cannot be reached, or does not say.
        """


class AdapterContext(Struct, frozen=True):
    """What the daemon hands an adapter beside its options.

    Args:
        state_dir: the adapter may keep files here under names that start with its own.
        chance: the only source of ids and jitter.
        clock: the wall clock.
        learn: call it with each secret that is not among the options (a token in a file), before the secret
            is used. From then on it is redacted in all that the gateway says, logs or stores.
    """

    state_dir: Path
    chance: Chance
    clock: WallClock
    learn: Callable[[Secret], None] = lambda secret: None


class Adapter(Struct, frozen=True):
    """A platform as the daemon loads it: entry-point group `hermes_trio.platforms`.

    Args:
        name: the `[platforms.NAME]` section it belongs to.
        options: a msgspec.Struct with `forbid_unknown_fields=True`: schema and documentation of that
            section. Fields of type `Secret` are written as "env:NAME" or "file:PATH" in the config.
        build: makes a platform from the options and an account name; opens nothing. Called for each account
            that is configured; no account touches the files in state_dir of another.
        local: its chats are on this machine: a terminal, a socket. Where several daemons share a store, each
            has such an account for itself: `Platform.account` is set to "main@NODE" after `build`.
        alone: by option, what two accounts must not have in common, such as the bot that a token is for;
            under "" what none of the options says. A configuration with two such accounts is refused.
    """

    name: str
    options: type[Struct]
    build: Callable[[Any, str, AdapterContext], Platform]
    local: bool = False
    alone: Callable[[Any], Mapping[str, Hashable]] = lambda options: {}
