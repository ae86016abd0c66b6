"""What follows from a commit: whom the store's writer wakes, cancels, or tells, before its caller wakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from hermes_trio.values.identity import ConversationKey, Lane
from hermes_trio.values.message import OutcomeName


class WakeKey(Struct, frozen=True, tag=True):
    """The key has rows to look at."""

    key: ConversationKey
    session: int


class ReplaceKey(Struct, frozen=True, tag=True):
    """The key's session has ended: cancel its scope, put a successor for `session` under the key.

    Args:
        who: whoever ended it: a user, "turn N", an operator, a rule.
    """

    key: ConversationKey
    session: int
    why: str
    who: str


class CancelTurn(Struct, frozen=True, tag=True):
    """The turn's row is no longer `running`: cancel its scope."""

    key: ConversationKey
    turn: int
    why: str


class WakeAsk(Struct, frozen=True, tag=True):
    """A question of the turn has its answer."""

    key: ConversationKey
    turn: int


class WakeCommands(Struct, frozen=True, tag=True):
    """The key has unsettled commands."""

    key: ConversationKey


class Deferred(Struct, frozen=True, tag=True):
    """Messages wait until a key to a model may be used, at this wall time at the earliest."""

    until: float


class WakeLane(Struct, frozen=True, tag=True):
    """The lane has something to say."""

    lane: Lane


class HasMoved(Struct, frozen=True, tag=True):
    """A chat has another id. From now on it is heard and spoken to under that."""

    account: str
    chat: str
    becomes: str


class Settled(Struct, frozen=True):
    """A message has an outcome other than `answered` and `stopped`: its line in the log."""

    account: str
    native: str
    key: ConversationKey | None
    outcome: OutcomeName
    why: str
    user: str | None = None


class Unkept(Struct, frozen=True):
    """So many updates of an account were turned away without a row, in hours that are over: a line."""

    account: str
    count: int


class LeftOut(Struct, frozen=True):
    """Part of a conversation is not shown to its model any more: its line in the log.

    Args:
        what: see `what_of` in `transcript/compaction.py`.
    """

    key: ConversationKey
    turn: int
    what: str


class OutOfTheWay(Struct, frozen=True):
    """Rows that could not be read are settled or put right: a line in the log for each."""

    what: tuple[str, ...]


class GivenUp(Struct, frozen=True):
    """A part that could not be read is not sent any more: its line in the log.

    Args:
        lane: where it was to be said, if that is known.
    """

    row: int
    lane: Lane | None
    why: str


class RestartAsked(Struct, frozen=True):
    """An admin has asked for a restart."""


class EndProcesses(Struct, frozen=True, tag=True):
    """The rows of these processes say that they have ended: end the programs."""

    processes: tuple[int, ...]


class LookAround(Struct, frozen=True, tag=True):
    """Another boot has begun, drains or is over: renew, and see what is to be taken up."""


Waking = WakeKey | WakeAsk | WakeCommands | WakeLane
Signal = Waking | ReplaceKey | CancelTurn | Deferred | HasMoved | EndProcesses | LookAround
"""What may be for another boot than the one whose commit caused it."""


class Signalled(Struct, frozen=True):
    """Another boot's commit has caused this, and has had its line there."""

    what: Signal


class Elsewhere(Struct, frozen=True):
    """Another boot does this: only its line in the log is written here."""

    what: Signal


Told = RestartAsked | Settled | Unkept | LeftOut | HasMoved | OutOfTheWay | GivenUp
Consequence = Signal | Signalled | Elsewhere | Told
Perform = Callable[[Sequence[Consequence]], None]
