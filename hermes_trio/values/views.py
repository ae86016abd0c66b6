"""What operators, tools and `/status` are shown of rows: sessions, turns, processes, keys, the ledger."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import OutcomeName, TurnState


class TurnView(Struct, frozen=True, kw_only=True):
    """A turn as `status` shows it.

    Args:
        id, session: its number, and its session's.
        key: whose conversation it answers.
        state: what has become of it; of those that `status` shows "running".
        opened_at: wall time.
        steps: how many it has begun; `step` is the newest's name.
        paused: starts that ended badly pause it: it goes on when somebody writes or this one has lasted.
        node: where it runs; "" in a store that is not shared.
    """

    id: int
    session: int
    key: ConversationKey
    state: TurnState
    opened_at: float
    steps: int = 0
    step: str = ""
    paused: bool = False
    node: str = ""


class ProcessView(Struct, frozen=True, kw_only=True):
    """A process, as `/status`, `/stop` and tools show it.

    Args:
        id, session: its number, and that of the session it was started in.
        command: without secrets.
        state: "running", or how it ended: "exited", "killed", "lost" (the gateway was stopped meanwhile).
        began_at, ended_at: wall time; None: it runs.
        code: exit code; minus the number of the signal that ended it.
        keep: it outlives a reset of its session.
        node: where it runs; "" in a store that is not shared.
    """

    id: int
    session: int
    command: str
    state: Literal["running", "exited", "killed", "lost"]
    began_at: float
    ended_at: float | None = None
    code: int | None = None
    keep: bool = False
    node: str = ""


class NodeView(Struct, frozen=True, kw_only=True):
    """A gateway that shares its store, as `nodes` and `status` show it.

    Args:
        name, boot: of its node, and the number of its life.
        since, renewed_at: wall time of the store: when that life began, and when it was last heard of.
        lease_left_s: seconds until the others take over what it does, if it is not heard of. Below 0: they
            may do so now.
        draining: it opens no turn and takes no account any more.
        accounts: those that it receives and speaks for.
        turns, processes: how many of the turns and programs that run are its own.
    """

    name: str
    boot: int
    since: float
    renewed_at: float
    lease_left_s: float
    draining: bool
    accounts: tuple[str, ...]
    turns: int
    processes: int


class SessionView(Struct, frozen=True, kw_only=True):
    """A session as `/status` and `sessions` show it.

    Args:
        id: its number.
        key: whose conversation it is.
        opened_at, ended_at: wall time; None: it is open.
        waiting: messages that wait for a turn of it.
        turns: how many it has had.
        interrupted: how many starts in a row have found a turn of it cut short.
        running: the turn that runs now.
        processes: background programs of its key that run, also of a session before.
        why: what ended it: who asked, or the rule.
    """

    id: int
    key: ConversationKey
    opened_at: float
    ended_at: float | None = None
    waiting: int = 0
    turns: int = 0
    interrupted: int = 0
    running: TurnView | None = None
    processes: tuple[ProcessView, ...] = ()
    why: str = ""


KeyState = Literal["ready", "cooldown", "probing", "dead"]
"""What a key to models is in; see `KeyView`."""


class KeyView(Struct, frozen=True, kw_only=True):
    """A key to models as `keys` shows it; never the key.

    Args:
        pool: the account with a provider that it belongs to.
        key: its place in the pool, "2/3".
        model: what it cools down for, "*" for all models of the account.
        state: "ready", "cooldown" until a time, "probing" (in its cooldown, and on trial now), or
            "dead": refused, and there is no other secret where it comes from.
        kind: what it was refused for.
        until: wall time it may be used again; for a dead one, looked up again.
        why: what the provider said then.
        used_at: wall time of its last use, None if this life has not used it.
    """

    pool: str
    key: str
    model: str = "*"
    state: KeyState
    kind: str = ""
    until: float | None = None
    why: str = ""
    used_at: float | None = None


class FailingModel(Struct, frozen=True, kw_only=True):
    """A model whose last call failed for a reason that is not one conversation's, as `status` shows it.

    Args:
        name: the model's.
        kind: the class of the failure.
        why: what was asked, what the provider said, and the likely mend.
        s_ago: seconds since the call failed.
    """

    name: str
    kind: str
    why: str
    s_ago: float


class StepView(Struct, frozen=True, kw_only=True):
    """A step of a turn.

    Args:
        name, n: the n-th call of this name.
        state: "intent": it did not end.
        value: the beginning of what it gave, as JSON; for "failed" its error.
        began_at, ended_at: wall time; None: not known, or it has not ended.
    """

    name: str
    n: int
    state: str
    value: str = ""
    began_at: float | None = None
    ended_at: float | None = None


class TextView(Struct, frozen=True, kw_only=True):
    """A text that went in or out in a turn.

    Args:
        kind: of the transcript "user", "assistant", "tool", "note" or "summary"; of what was said "final",
            "notice" and so on.
        text: its beginning.
        at: wall time.
        state: what became of what was said.
    """

    kind: str
    text: str
    at: float
    state: str = ""


class TurnPage(Struct, frozen=True, kw_only=True):
    """All there is to know of one turn.

    Args:
        turn, closed_at, attempt, reason: what it is, and how it ended.
        error, traceback: what it failed with, and where that was raised.
        earlier: how many entries of the conversation came before it.
        entries: what it added to the conversation: what its model was shown and gave, at most 200.
        steps: the first 200, in the order in which they were begun.
        said: what the chat was shown, or is to be.
    """

    turn: TurnView
    closed_at: float | None = None
    attempt: int = 1
    reason: str = ""
    error: str = ""
    traceback: str = ""
    earlier: int = 0
    entries: tuple[TextView, ...] = ()
    steps: tuple[StepView, ...] = ()
    said: tuple[TextView, ...] = ()


ReplyState = Literal["none", "owed", "said", "maybe", "failed"]
"""What became of what was said for a message; see `LedgerRow`."""


class LedgerRow(Struct, frozen=True, kw_only=True):
    """One inbound message and what became of it.

    Args:
        id: its number; grows in order of arrival.
        account: `platform/account`.
        native: its id there.
        key: whose conversation it is; None for what could not be decoded.
        chat: the chat's id there.
        user: who wrote it, by the id that never changes hands; "": that cannot be read.
        kind: what the receiver takes it for: "message", "command", "undecodable" and the like.
        received_at, at: wall time it was accepted, and it got its outcome.
        length: of its text, in characters.
        state: "waiting", "running" or "deferred" while it has no outcome.
        outcome: what became of it for good; None: nothing yet.
        reason: of the outcome, for an operator.
        turn: the newest turn that has answered it, or tried to.
        reply: what became of what is said for it: "none" (nothing is, so far), "owed" (not all of it yet),
            "said", "maybe" (twice nobody knew whether a part arrived; its chat was told), "failed" (a part
            cannot be said).
    """

    id: int
    account: str
    native: str
    key: ConversationKey | None
    chat: str
    user: str = ""
    kind: str
    received_at: float
    length: int
    state: str | None
    outcome: OutcomeName | None
    reason: str = ""
    turn: int | None = None
    at: float | None = field(default=None)
    reply: ReplyState = "none"
