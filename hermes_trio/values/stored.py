"""The values that the Store port speaks in."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from hermes_trio.values.delivery import Choice, Delivery, DeliveryKind, Part
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.message import Message, OutcomeName, TurnState
from hermes_trio.values.recording import Failure
from hermes_trio.values.transcript import Entry
from hermes_trio.values.views import ProcessView, TurnView

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
    said: DeliveryKind = "final"
    anchor: str | None = None
    anchor_when: Literal["always", "waiting"] = "always"
    anchor_all: bool = False
    choices: tuple[Choice, ...] = ()


class Answered(Struct, frozen=True):
    """What the step of an `ask` gives when it has its answer: what was asked, as it was shown, and that."""

    question: str
    answer: str


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

    `outcome` is that of its messages where the state does not say it. With `until` they have none yet: they
    are deferred until that wall time, and what `reply` says is said if one of them was not told before;
    without one nobody is told yet.
    `error` is what the turn failed with.
    """

    state: TurnState
    reason: str = ""
    outcome: OutcomeName | None = None
    step: StepRow | None = None
    entries: tuple[Entry, ...] = ()
    reply: Reply | None = None
    until: float | None = None
    error: Failure | None = None


# --- what comes out -------------------------------------------------------------------------------


class Claimed(Struct, frozen=True):
    """A message that a turn has taken.

    Args:
        step: "name#n" of the step at whose end it was taken in; None: the turn was opened with it.
        in_history: the history that is shown has it already: the turn it was first given to was interrupted.
    """

    id: int
    message: Message
    at: float
    step: str | None = None
    in_history: bool = False


class Mark(Struct, frozen=True):
    """How far a session's transcript is known to somebody; the store's own, handed back to it as it came.

    Args:
        entry: the newest entry that is known.
        size: characters that were read up to there.
        rewritten: how often what had been said in the session was changed; if that has grown, it is void.
        unseen: entries up to this one did not fit.
    """

    session: int
    entry: int
    size: int
    rewritten: int
    unseen: int = 0


class History(Struct, frozen=True):
    """A conversation before a turn, oldest first.

    Args:
        known: the entries follow what is known up to this mark; None: they are all there is.
        mark: up to where it is known now; None: the next turn will not be shown the same.
        unseen: entries up to this one do not fit.
    """

    entries: tuple[Entry, ...] = ()
    known: Mark | None = None
    mark: Mark | None = None
    unseen: int = 0


class Opened(Struct, frozen=True, kw_only=True):
    """A turn to run: new, or adopted with its recorded steps. `more`: other messages wait behind it."""

    turn: int
    session: int
    attempt: int
    opened_at: float
    messages: tuple[Claimed, ...]
    steps: tuple[StepRow, ...] = ()
    history: History = History()
    more: bool = True


class WaitForMore(Struct, frozen=True):
    """The waiting messages may be fragments: look again in `seconds`."""

    seconds: float


class Begun(Struct, frozen=True, kw_only=True):
    """A delivery whose beginning is recorded: it must be recorded as ended, or is unknown.

    `created_at`: since when it is owed, wall time. `plain`: it was refused for its formatting, so it goes
    without its spans, and the addresses of its links stand in its text.
    """

    row: int
    delivery: Delivery
    live: bool
    created_at: float
    attempts: int
    plain: bool = False


class InDoubt(Struct, frozen=True):
    """A part that may have arrived comes next, and is not said again now. `created_at`: see `Begun`."""

    created_at: float


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
        said: the messages that it has to answer, and who wrote each from where.
    """

    turn: int
    session: int
    key: ConversationKey
    address: Address
    attempt: int
    last_at: float
    interruptions: int
    waits: bool
    tail: Entry | None = None
    said: tuple[tuple[int, Address], ...] = ()


class Booted(Struct, frozen=True, kw_only=True):
    """What `begin_boot` found. `unclaimed` are the messages and commands that no turn has, and who wrote each
    from where; what was deferred is among them, and waits again.

    `moved`: account, chat and the id it has now. `guarded`: too many boots ended badly in too short a time.
    """

    boot: int
    clean: bool
    first: bool
    guarded: bool = False
    interrupted: tuple[Interrupted, ...]
    penalties: tuple[tuple[str, str, float], ...]
    moved: tuple[tuple[str, str, str], ...] = ()
    cooldowns: tuple[KeyCooldown, ...] = ()
    unclaimed: tuple[tuple[int, Address], ...] = ()


class Place(Struct, frozen=True):
    """Where looking through the rows goes on.

    Args:
        walk: which rows.
        behind: which row of them was the last.
    """

    walk: int = 0
    behind: tuple[Any, ...] = ()


class PendingCommand(Struct, frozen=True):
    """The oldest unsettled command of a key."""

    id: int
    message: Message


class Stopped(Struct, frozen=True):
    """What a stop found: whose session, the turn it stopped (None: nothing ran), how many messages wait,
    background work. `everything`: that was ended too.
    """

    key: ConversationKey
    turn: int | None
    waiting: int
    processes: tuple[ProcessView, ...] = ()
    everything: bool = False


class StatusView(Struct, frozen=True, kw_only=True):
    """The store's part of `hermes-trio status`: counts, and the turns running.

    Args:
        boot: the number of this life of the process.
        waiting: messages that wait for a turn.
        deferred: messages that wait for a key to a model.
        paused: turns that wait until a start has lasted (the process died three times in a minute).
        running: turns that run.
        owed: parts that are still to be said.
        processes: background programs that run.
        sessions: how many are open.
    """

    boot: int
    waiting: int
    deferred: int = 0
    paused: int = 0
    running: tuple[TurnView, ...]
    owed: int
    processes: tuple[ProcessView, ...] = ()
    sessions: int
