"""The Store port: one method per promise, each one atomic, and the values they speak in.

*The commit acts.* A promise returns its result to the caller; what follows from the commit (keys and
lanes to wake, scopes to cancel) is a list of consequences that the store's writer hands to `perform`,
synchronously, after the commit and before the caller wakes. So a cancel that hits the caller between
commit and wake-up loses nothing, and no caller wakes or cancels anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Literal, Protocol

from msgspec import Struct

from hermes_trio.consequences import Perform
from hermes_trio.entries import Entry
from hermes_trio.pure.keypool import Bench
from hermes_trio.values import (
    Address,
    Choice,
    Decided,
    Delivery,
    Key,
    Lane,
    LedgerRow,
    Message,
    OutcomeName,
    Part,
    Prompt,
    Said,
    SessionView,
    TurnState,
    TurnView,
)

# --- what goes in ---------------------------------------------------------------------------------


class AcceptRules(Struct, frozen=True):
    """What an account's messages do to a busy session.

    Args:
        queue_max: waiting messages per session; one more is refused, explicitly.
        busy: what a message does while a turn runs.
        sign: how waiting is shown: a reaction, a line, or not at all.
    """

    queue_max: int = 100
    busy: Literal["queue", "steer", "interrupt"] = "queue"
    sign: Literal["react", "line", "none"] = "line"


class Reply(Struct, frozen=True, kw_only=True):
    """Something to be said, already split.

    Args:
        address: where.
        parts: at least one.
        said: what it is.
        anchor: message_id that the first part (with `anchor_all` every part) answers visibly, if
        anchor_when: "always", or "waiting": only where more messages wait behind it.
        choices: buttons below the last part.
    """

    address: Address
    parts: tuple[Part, ...]
    said: Said = "final"
    anchor: str | None = None
    anchor_when: Literal["always", "waiting"] = "always"
    anchor_all: bool = False
    choices: tuple[Choice, ...] = ()


class StepRow(Struct, frozen=True, kw_only=True):
    """A step of a turn, keyed by name and its n-th call.

    Args:
        state: "intent" (begun), "done", or "failed".
        digest: of the arguments.
        op: the operation id offered to the step's function, the same in every attempt.
        value: msgspec-JSON of the result; for "failed" of [type name, text].
        wake_at: wall time a `sleep` or `ask` ends.
    """

    name: str
    n: int
    digest: str = ""
    op: str = ""
    state: Literal["intent", "done", "failed"] = "intent"
    value: bytes = b"null"
    wake_at: float | None = None


class Closing(Struct, frozen=True, kw_only=True):
    """How a turn ends. `reply` None with state "finished": the last `say` is the final, or silence.

    `outcome` is that of its messages where the state does not say it.
    """

    state: TurnState
    reason: str = ""
    outcome: OutcomeName | None = None
    step: StepRow | None = None
    entries: tuple[Entry, ...] = ()
    reply: Reply | None = None


# --- what comes out -------------------------------------------------------------------------------


class Claimed(Struct, frozen=True):
    """A message that a turn has taken.

    Args:
        step: "name#n" of the step at whose end it was taken in; None: the turn was opened with it.
        heard: the history has it already: the turn it was first given to was interrupted.
    """

    id: int
    message: Message
    at: float
    step: str | None = None
    heard: bool = False


class Opened(Struct, frozen=True, kw_only=True):
    """A turn to run: new, or adopted with its recorded steps. `more`: other messages wait behind it."""

    turn: int
    session: int
    attempt: int
    opened_at: float
    messages: tuple[Claimed, ...]
    steps: tuple[StepRow, ...] = ()
    entries: tuple[Entry, ...] = ()
    more: bool = True


class Hold(Struct, frozen=True):
    """The waiting messages may be fragments: look again in `seconds`."""

    seconds: float


class Begun(Struct, frozen=True, kw_only=True):
    """A delivery whose beginning is recorded: it must be recorded as ended, or is unknown."""

    row: int
    delivery: Delivery
    live: bool
    created_at: float
    attempts: int


class GaveUp(Struct, frozen=True):
    """A part that may have arrived twice already: it is not sent a third time."""

    row: int
    why: str


class Interrupted(Struct, frozen=True, kw_only=True):
    """A turn that an older boot left running.

    Args:
        last_at: wall time of the last it did: a transcript entry, or the end of a sleep.
        interruptions: boots in a row that left its session's turn running.
        waits: for the answer to an open question, or in a sleep whose end is still to come.
        tail: the newest entry of the turn; a note only if the turn has nothing else.
    """

    turn: int
    session: int
    key: Key
    address: Address
    attempt: int
    last_at: float
    interruptions: int
    waits: bool
    tail: Entry | None = None


class KeyRest(Struct, frozen=True, kw_only=True):
    """What is known of a refused key: advice, that outlives the process.

    Args:
        fingerprint: of its secret.
        model: the model it rests for, "" for all.
        pool, place: where it stood, for people.
    """

    fingerprint: str
    model: str
    pool: str
    place: str
    bench: Bench


class Booted(Struct, frozen=True, kw_only=True):
    """What `begin_boot` found."""

    boot: int
    clean: bool
    first: bool
    interrupted: tuple[Interrupted, ...]
    penalties: tuple[tuple[str, str, float], ...]


class PendingCommand(Struct, frozen=True):
    """The oldest unsettled command of a key."""

    id: int
    message: Message


class Stopped(Struct, frozen=True):
    """What a stop found: the turn it stopped (None: nothing ran), and how many messages wait."""

    turn: int | None
    waiting: int


class StatusView(Struct, frozen=True, kw_only=True):
    """The store's part of `hermes-trio status`."""

    boot: int
    waiting: int
    running: tuple[TurnView, ...]
    owed: int
    sessions: int


class Store(Protocol):
    """Everything durable. Each method is one transaction; errors: StoreFailed, StoreClosed, Fenced.

    Cancelled before its write is queued, a method has written nothing; after that the caller waits
    shielded, and the cancel arrives at its next checkpoint.
    """

    perform: Perform

    def serve(self) -> AbstractAsyncContextManager[Store]:
        """Run the writer while the body runs; what was queued by then is committed."""

    async def begin_boot(self) -> Booted:
        """Begin a new life: older boots' deliveries in flight become unknown, interruptions are counted."""

    async def end_boot(self) -> None:
        """The last commit of a boot that ended as asked."""

    async def abandon(self, turn: int, reason: str, text: str = "") -> None:
        """Close a turn that an older boot left running, with one notice to its chat if there is a text.

        What was cut short is a note for the session's next turn.
        """

    async def conclude(self, turn: int, parts: Sequence[Part]) -> None:
        """Close a turn that an older boot left running and that had its answer, which is owed now."""

    async def checkpoint(self, why: str) -> int:
        """Write reason and time on every running turn of this boot. Returns how many."""

    async def wake_all(self) -> None:
        """Consequences only: every key and lane that has rows to look at."""

    async def commands_waiting(self) -> int:
        """Consequences: every key with unsettled commands is woken. Returns how many commands."""

    async def cursor(self, account: str) -> str | None:
        """The account's position at its last commit."""

    async def accept(
        self,
        account: str,
        decided: Sequence[Decided],
        cursor: str | None,
        rules: AcceptRules,
    ) -> Sequence[Decided]:
        """Make a batch and the platform's cursor durable; returns those that were new."""

    async def next_command(self, key: Key) -> PendingCommand | None:
        """The oldest unsettled command of the key."""

    async def settle(self, command: int, outcome: OutcomeName, reason: str, reply: Reply | None) -> None:
        """Settle a command with its reply."""

    async def prompt(self, command: int, prompt: Prompt, rules: AcceptRules) -> None:
        """Turn a command into the waiting message it asks for, in its place in the order."""

    async def stop(self, key: Key, command: int | None, why: str, *, session: int | None = None) -> Stopped:
        """Stop the running turn of the key's session; its waiting messages stay.

        Args:
            session: the session that is meant, which must be the open one: StaleSession otherwise.
        """

    async def reset(
        self,
        key: Key,
        command: int | None,
        why: str,
        *,
        turn: int | None = None,
        session: int | None = None,
    ) -> int:
        """End the key's session and open the next; returns its id.

        By a command the waiting messages before it are superseded too; otherwise they stay.

        Args:
            turn: the turn that asks for it, which must be running: StaleTurn otherwise.
            session: the session that is meant, which must be the open one: StaleSession otherwise.
        """

    async def next_turn(self, key: Key, session: int, *, history: int = 0) -> Opened | Hold | None:
        """What the session does next: an interrupted turn to adopt, waiting messages, or nothing.

        Args:
            history: at most so many characters of the transcript before the turn are returned, newest.

        Raises:
            StaleSession: it has ended.
        """

    async def history(self, session: int, limit: int, before_turn: int | None = None) -> Sequence[Entry]:
        """The newest entries of the transcript, at most `limit` characters, none of `before_turn`."""

    async def begin_step(self, turn: int, step: StepRow, ask: Reply | None = None) -> StepRow:
        """Record the intent of a step; for an ask also the question and its prompt.

        Returns the row as it stands (an ask that has its answer already is "done").
        """

    async def end_step(
        self,
        turn: int,
        step: StepRow,
        *,
        entries: Sequence[Entry] = (),
        reply: Reply | None = None,
        steer: bool = False,
    ) -> Sequence[Claimed]:
        """Record the result of a step, what it adds to the transcript and says; returns steered messages."""

    async def asked(self, turn: int, step: StepRow) -> StepRow:
        """The ask's row as it stands."""

    async def show(self, turn: int, reply: Reply) -> None:
        """Replace the text of the turn's live row of this kind by the reply's first part, creating it.

        One that has failed, or that its user has deleted, is not made a second time.
        """

    async def close_turn(self, turn: int, closing: Closing) -> None:
        """Last step, entries, reply, outcomes and the turn's state, at once."""

    async def begin_delivery(
        self, lane: Lane, *, takes_key: bool, live: bool, can_delete: bool, can_edit: bool
    ) -> Begun | GaveUp | None:
        """Take the lane's next row and record that its delivery begins."""

    async def record_delivery(self, row: int, message_id: str | None) -> bool:
        """It was said. Returns whether its lane has more to say."""

    async def fail_delivery(
        self,
        row: int,
        how: Literal["not_sent", "plain", "unknown", "lost", "failed"],
        why: str,
    ) -> None:
        """It was not, or nobody knows: the row is owed again, as plain text, as new, or given up."""

    async def penalty(self, account: str, chat: str, until: float) -> None:
        """The platform told us to be silent in this chat until a wall time."""

    async def fail_next(self, key: Key, session: int) -> str | None:
        """What `next_turn` of the session cannot get past is failed, with one sentence to the user: its
        running turn, or a waiting message. Entries that cannot be read are only set aside.

        Returns what it was, None if nothing is in the way.
        """

    async def fail_command(self, key: Key) -> str | None:
        """The oldest unsettled command of the key is failed, with one sentence; returns which."""

    async def fail_part(self, lane: Lane, live: bool) -> str | None:
        """The row that `begin_delivery` would take next is failed; returns which."""

    async def ledger(self, chat: str | None = None, limit: int = 1000) -> Sequence[LedgerRow]:
        """The newest inbound messages with their outcomes, oldest first."""

    async def sessions(self, key: Key | None = None, limit: int = 200) -> Sequence[SessionView]:
        """Open sessions, newest first; with a key only that one's."""

    async def session(self, id: int) -> SessionView | None:
        """One session by id."""

    async def status(self) -> StatusView:
        """Counts, and the turns running."""
