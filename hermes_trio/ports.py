"""What plugs in: Platform, Agent, Model, Tool, Command, WallClock, and what each may rely on.

The Store port is large and stands in `store_port.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol, runtime_checkable

from msgspec import Struct

from hermes_trio.child_port import Children
from hermes_trio.entries import ModelAnswer, ModelRequest
from hermes_trio.errors import ModelFailure
from hermes_trio.values import (
    Address,
    Delivery,
    Message,
    Moved,
    Part,
    Policy,
    Receipt,
    Secret,
    Traits,
    Undecodable,
)
from hermes_trio.views import SessionView
from hermes_trio.wishes import CommandResult, Silence


class WallClock(Protocol):
    """Calendar time. Durations never come from here; they come from the loop's own clock."""

    def now(self) -> float:
        """Seconds since 1970."""


class Chance(Protocol):
    """Ids and jitter. `random.Random` and `random.SystemRandom` are one."""

    def random(self) -> float:
        """A float in [0, 1)."""

    def getrandbits(self, k: int, /) -> int:
        """A non-negative int of k bits."""


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
        traits: what it can do.
        policy: who may speak to it. Set by whoever configures it; only the core decides by it.
    """

    name: str
    account: str
    traits: Traits
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
            SendRefused: certain that it will not take it. An op that the traits do not say is SendRefused.
            SendUnknown: the request went out and no answer came. It is not tried again here.
        Nothing else, and none with a secret in its text or in what caused it.
        """

    def split(self, text: str) -> Sequence[Part]:
        """Render markdown and split it, rendered, into parts of at most `traits.text_max - 4` units.

        Pure, and called in a thread for a long text, beside calls of it in the loop: it touches neither the
        loop nor what the platform changes. At least one part, blank only for a blank text; the concatenated
        texts hold every visible character of the rendered answer, and no cut falls inside of what a reader
        sees as one. The four units are kept free for the mark of a possible repeat; `deliver` takes a text of
        `text_max`.
        """


class Tool(Protocol):
    """Something a model may call.

    Attributes:
        name: what the model calls it.
        description: what the model is told.
        parameters: JSON schema of the arguments, an object.
        idempotent: running it twice does the same as once. After a crash only such a call is repeated.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    idempotent: bool

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Do it, and return text or anything that can be JSON.

        Several calls may run at once; nothing of one is remembered for the next. The arguments are not to be
        changed. An exception is told to the model as the call's failure.

        Raises:
            ValueError: the arguments are not what `parameters` says; the text tells the model what is wrong.
                (Names that it does not know may be passed over.)
        Cancelled: end at once, and leave nothing running.
        """


class ToolContext(Protocol):
    """What a tool knows of the call it serves.

    Attributes:
        op: an id that is the same when this call is repeated after a crash.
        address: the conversation the call belongs to.
        children: the programs of this conversation, for admins.
    """

    op: str
    address: Address
    children: Children

    async def sleep(self, seconds: float) -> None:
        """Sleep; resumed after a restart, sleep the rest. Does not count towards the deadline.

        Cancelled: the wake-up time stands.
        """

    async def now(self) -> float:
        """Wall time, recorded: the same when the turn is run again. Cancelled: recorded or not."""

    async def reset(self, why: str) -> NoReturn:
        """End this conversation and open the next. Does not return: the call ends as Cancelled.

        Raises:
            StaleTurn: the turn has ended already; nothing happens to the conversation that goes on.
        """


class Model(Protocol):
    """A provider's endpoint with one model name.

    Attributes:
        name: for status and log.
        needs_key: False for models without credentials (`echo`).

    One that also has `spell`, a `Spell`, is given what was said before the turn as that spelled it, in the
    request's `earlier`, and only the rest as entries: a long conversation is not encoded anew each time.
    """

    name: str
    needs_key: bool

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """Call the model once, streamed.

        Args:
            request: what to ask.
            key: the secret to use; "" only if not `needs_key`.
            on_text: called synchronously with each piece of answer text, in order.

        Raises:
            ModelFailed: classified, and nothing else; without the key in its text or in what caused it. A
                stream that ended without its end event is not an error: the answer's `finish` is "partial",
                its calls are dropped.
        Silence is bounded by limits that the model was made with ("transport"). Calls may run side by side.
        Cancelled: ends at once, and its connection is closed.
        """


class RefreshingKey(Protocol):
    """A key to models whose secret can be renewed: a file that is read again, a login that is refreshed.

    Attributes:
        secret: the one to begin with.
    """

    secret: Secret

    async def refresh(self, refused: Secret, kind: ModelFailure) -> Secret:
        """Return the secret to use from now on, after the provider refused `refused`.

        Called by one request at a time, within 30 s. Where several processes share a login the stored secret
        is the truth: look at it under a lock first, and if it is another than `refused` return that one; else
        make a new one and make it durable before it is returned. To return `refused` says that there is no
        other.

        Args:
            refused: the secret that was refused.
            kind: "auth", or "quota" where the allowance behind it is used up.

        Whatever it raises counts as no other secret. Cancelled: do not lose a secret that was issued.
        """


class Agent(Protocol):
    """A coroutine function that answers a turn, an `async def agent(turn)` or an object that is called so.

    One that is an object may have the attributes `name` (shown in status), `history_chars` (so much of the
    transcript is read with each turn's messages), `memory_bytes` (so much may be kept of conversations
    between their turns) and `takes_in = True` (it asks `turn.steered()` after each step, so that a turn that
    goes on after a crash can be told of messages that came meanwhile).
    """

    def __call__(self, turn: Any, /) -> Awaitable[str | Silence | None]:
        """The final reply as markdown, a Silence, or None, which says that the last `say` was it.

        Called again from its first line when the turn goes on after a crash. What it raises fails the turn:
        its messages have the outcome `failed`, its chat is told one sentence. `NoCredentials` refuses or
        keeps them. Cancelled: what its verbs have committed stays; who cancels has said what becomes of it.
        """


class CommandCall(Protocol):
    """A slash command as it was called.

    Attributes:
        name: without the slash, "new".
        text: the rest of the line.
        address: who called, from where.
        admin: the caller may use admin commands.
    """

    name: str
    text: str
    address: Address
    admin: bool

    async def session(self) -> SessionView | None:
        """The caller's own session as it is now, None if there is none. Cancelled: nothing has happened."""

    def help(self) -> Sequence[tuple[str, str]]:
        """(name, help) of each command this caller may use."""

    def status(self) -> Sequence[str]:
        """Lines about the gateway: uptime, model, accounts, turns running."""


class Command(Protocol):
    """A slash command: entry-point group `hermes_trio.commands`.

    Attributes:
        names: "new" and its aliases, without slash.
        help: one line for /help and the platform's menu.
        role: who may use it.
    """

    names: Sequence[str]
    help: str
    role: Literal["user", "admin"]

    async def run(self, call: CommandCall) -> CommandResult:
        """Decide, within 10 s. What it returns takes effect in one transaction, exactly once.

        It may be asked again after a crash, so it has no effects of its own, and the same call has the same
        wish. Whatever a user typed is no error of it: it says so. What it raises is logged, and its caller is
        told that the command failed. Cancelled, at its deadline too: nothing of it has taken effect.
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
        build: makes a platform from the options and an account name; opens nothing.
    """

    name: str
    options: type[Struct]
    build: Callable[[Any, str, AdapterContext], Platform]
