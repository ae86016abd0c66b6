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
from hermes_trio.values.views import NodeView, ProcessView, TurnView

# --- what goes in ---------------------------------------------------------------------------------


class AcceptRules(Struct, frozen=True):
    """What an account's messages do to a busy session.

    Args:
        queue_max: waiting messages per session; one more is refused, explicitly.
        busy: what a message does while a turn runs.
        sign: how waiting is shown: a reaction or a line.
    """

    queue_max: int = 100
    busy: Literal["queue", "steer", "interrupt"] = "queue"
    sign: Literal["react", "line"] = "line"


class Reply(Struct, frozen=True, kw_only=True):
    """Something to be said, already split.

    Args:
        address: where.
        parts: at least one.
        said: what it is.
        anchor: the message_id that the first part (with `anchor_all` every part) is a visible reply to.
        anchor_when: when the anchor is used: "always"; or "waiting": only if more messages wait behind it.
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
    """The value of an `ask` that has its answer: the question, as it was shown, and the answer."""

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
    """How a turn ends. `reply` None with state "finished": the last `say` is the answer, or there is silence.

    `outcome` is the outcome of its messages, if the state does not determine it. With `until` they have none
    yet: they are deferred until that wall time. `reply` is sent then if one of them was not told before; with
    `reply` None nobody is told yet.
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
        in_history: the history has it already, since an earlier turn took it and was interrupted.
    """

    id: int
    message: Message
    at: float
    step: str | None = None
    in_history: bool = False


class Mark(Struct, frozen=True):
    """How far a session's transcript is known. The store makes it, and is given it back unchanged.

    Args:
        entry: the newest entry that is known.
        size: characters that were read up to there.
        rewritten: how often earlier entries of the session were changed. A mark with an older count is void.
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
        known: the entries are those behind this mark; None: they are all there is.
        mark: up to where the transcript is known now; None: that cannot be relied on by the next turn.
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
    """A delivery whose beginning is recorded. Until its end is recorded too, its outcome is unknown.

    `created_at`: wall time since when it is owed. `plain`: it was refused for its formatting, so it is sent
    without spans, and the addresses of its links stand in its text.
    """

    row: int
    delivery: Delivery
    live: bool
    created_at: float
    attempts: int
    plain: bool = False


class InDoubt(Struct, frozen=True):
    """The lane's next part may have arrived already, and is not sent again now. `created_at`: see `Begun`."""

    created_at: float


class GaveUp(Struct, frozen=True):
    """A part that may have arrived twice already: it is not sent a third time."""

    row: int
    why: str


class Interrupted(Struct, frozen=True, kw_only=True):
    """A turn that an older boot left running.

    Args:
        age_s: seconds since the last thing it did, by the store's clock: a transcript entry, or the end of a
            sleep. Below 0 where that is in the future.
        interruptions: how many boots in a row left a turn of its session running.
        waits: for the answer to an open question, or in a sleep whose end is still to come.
        tail: the newest entry of the turn that is no note.
        said: the messages that it has to answer, and who wrote each from where.
    """

    turn: int
    session: int
    key: ConversationKey
    address: Address
    attempt: int
    age_s: float
    interruptions: int
    waits: bool
    tail: Entry | None = None
    said: tuple[tuple[int, Address], ...] = ()


class Booted(Struct, frozen=True, kw_only=True):
    """What `begin_boot` found.

    `unclaimed`: the messages and commands that no turn has taken, each with its address. Deferred messages
    are among them; they wait for a turn again. `moved`: account, chat, and the id that the chat has now.
    `guarded`: too many boots ended badly in too short a time. `at`: the time of a shared store.
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
    at: float = 0.0


class Place(Struct, frozen=True):
    """Where looking through the rows goes on.

    Args:
        walk: which kind of rows.
        behind: the last row of them that was looked at.
    """

    walk: int = 0
    behind: tuple[Any, ...] = ()


class PendingCommand(Struct, frozen=True):
    """The oldest unsettled command of a key."""

    id: int
    message: Message


class Stopped(Struct, frozen=True):
    """What a stop found: the session's key, the turn that it stopped (None: nothing ran), how many messages
    wait, and the processes that ran. `everything`: those were ended too.
    """

    key: ConversationKey
    turn: int | None
    waiting: int
    processes: tuple[ProcessView, ...] = ()
    everything: bool = False


class StatusView(Struct, frozen=True, kw_only=True):
    """The store's part of `hermes-trio status`: counts, and the turns running.

    Args:
        boot: the number of this life of the process; of the one that was asked, where several share a store.
        waiting: messages that wait for a turn.
        deferred: messages that wait for a key to a model.
        paused: turns that wait until a start has lasted (the process died three times in a minute).
        running: turns that run.
        owed: parts that are still to be said.
        processes: background programs that run.
        sessions: how many are open.
        nodes: who shares the store; all other counts are of all of them. Empty: it is not shared.
    """

    boot: int
    waiting: int
    deferred: int = 0
    paused: int = 0
    running: tuple[TurnView, ...]
    owed: int
    processes: tuple[ProcessView, ...] = ()
    sessions: int
    nodes: tuple[NodeView, ...] = ()
