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
    """The gateway's ear, handed to `Platform.serve`.

    Attributes:
        cursor: the platform's position at the last commit, None at the very first start.
    """

    cursor: str | None

    async def accept(
        self, updates: Sequence[Message | Undecodable | Moved], *, cursor: str | None = None
    ) -> None:
        """Return when all updates and the cursor are durable, in one transaction.

        A chat that has moved is followed before what came with that news is looked at.

        Only then may the platform be told that we have them. Redelivered ones are refused by their
        `native` id, silently. May wait for long while the store is slow: that is the backpressure.
        Waits (retrying) while the store fails. Cancelled, nothing or everything of the batch is durable.

        Raises:
            IntakeClosed: the gateway goes down and takes nothing any more, also from a connection that
                outlives `serve`. Nothing of the batch was written; the platform is told nothing of it.
        """

    def received(self) -> None:
        """Say that a receive cycle has completed; an empty long poll counts. The account is healthy."""

    def reachable(self, chat: str) -> None:
        """Say that a chat which could not be reached is there again: what is owed to it is said at once.

        For a platform whose chats come and go one by one. Not called, it is said after a while.
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
        secret in it; anything else is a defect (logged, restarted). What users wrote is handed over in its
        order, each update with the native id it has for ever, again until `accept` has returned, and not
        after the service was told so. Returning means that there will never be input again (end of a pipe):
        the gateway ends when all its platforms have returned and all messages have their outcome.
        Cancelled: leaves at once, with nothing confirmed that `accept` has not returned for.
        """

    async def deliver(self, delivery: Delivery) -> Receipt:
        """Do one call and return the platform's proof.

        Called by the outbox only, one at a time per lane, concurrently for different lanes, also after
        `serve` has ended. A receipt says that the chat shows it; of a send it has the message's id, which
        edits and deletes go by. The text is rendered already: no markup is read in it. Editing a message to
        what it already shows, and deleting one that is gone, is a success. Executes a checkpoint however it
        ends. Cancelled before it has begun: nothing is said. Later: unknown, but whole or not at all, and
        the next delivery goes as if nothing had been.

        Raises:
            NotSent: certain that the platform does not have it. Not connected is NotSent. ChatMoved is one:
                it is said again, to the id it names.
            SendRefused: certain that it will not take it, as any op that the capabilities do not say.
            SendUnknown: the request went out and no answer came. It is not tried again here.
        Nothing else, and none with a secret in its text or in what caused it.
        """

    def split(self, text: str) -> Sequence[Part]:
        """Render markdown and split it, rendered, into parts of at most `capabilities.text_max - 4` units.

        Pure, and called in a thread for a long text, beside calls of it in the loop: it touches neither the
        loop nor what the platform changes. At least one part, blank only for a blank text; the concatenated
        texts hold every visible character of the rendered answer, and no cut falls inside of what a reader
        sees as one. The four units are kept free for the mark of a possible repeat; `deliver` takes a text of
        `text_max`.
        """


@runtime_checkable
class CommandMenu(Protocol):
    """What a platform may have beside: a menu of commands in its clients.

    Attributes:
        menu: the name and the help of each command, in order. Set before `serve`, which shows as much of it
            as the platform takes; what it does not take costs neither the rest nor the account.
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
    """What a platform may have beside: its account can be tried before somebody writes to it."""

    async def probe(self) -> Probed:
        """Ask the service for the account. Receives nothing, says nothing, changes nothing.

        Called within `open`, beside no `serve`. Bounded in time by itself. Cancelled: the call ends, and its
        connection is closed.

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
        learn: to be told each secret that is not among the options (a token in a file), before anybody could
            say it: from then on it is redacted wherever the gateway speaks, writes or stores.
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
            that is configured; what one keeps in state_dir, another does not touch.
        alone: by option, what two accounts must not have in common, such as the bot that a token is for;
            under "" what none of the options says. A configuration where two have is refused.
    """

    name: str
    options: type[Struct]
    build: Callable[[Any, str, AdapterContext], Platform]
    alone: Callable[[Any], Mapping[str, Hashable]] = lambda options: {}
