"""What the store has to tell somebody together with a change: what happened, without its words.

`text/notices.py` is the table of their sentences.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from hermes_trio.values.reset_policy import ResetPolicy, Rule
from hermes_trio.values.stored import Stopped
from hermes_trio.values.views import ProcessView

Plain = Literal[
    "back",
    "command_failed",
    "could_not_be_said",
    "in_it_already",
    "may_be_missing",
    "message_failed",
    "nothing_to_resume",
    "operator_ended",
    "operator_stopped",
    "question_closed",
    "question_of_another",
    "wakes_muted",
]
Cut = Literal["stopped", "reset", "interrupted", "cut_short"]
"""How a turn was cut that shows something live, which ends with a line of it."""


class QueueFull(Struct, frozen=True):
    """A message was refused: so many wait already."""

    queue_max: int


class Queued(Struct, frozen=True):
    """A message waits, at this place."""

    position: int


class TurnFailed(Struct, frozen=True):
    """A turn ended as failed."""

    turn: int


class SessionReset(Struct, frozen=True):
    """A command ended the session; these processes go on."""

    processes: tuple[ProcessView, ...]


class SessionEnded(Struct, frozen=True):
    """A rule of this policy ended the session; these processes go on."""

    rule: Rule
    policy: ResetPolicy
    processes: tuple[ProcessView, ...]


class SessionResumed(Struct, frozen=True):
    """This session is the open one again; these processes go on."""

    session: int
    processes: tuple[ProcessView, ...]


class NoSuchSession(Struct, frozen=True):
    """The caller's key has no session of this number."""

    session: int


class ProcessOver(Struct, frozen=True):
    """A process that was kept has ended, after its session."""

    command: str
    state: str
    code: int | None


class ProcessMuted(Struct, frozen=True):
    """The lines of a process came too often; they are looked at no more."""

    command: str


class ProcessLost(Struct, frozen=True):
    """An older boot left this process, and it is ended. For its session's model."""

    process: int
    command: str


class LastReport(Struct, frozen=True):
    """Lines of a process, the last that are told. For its session's model."""

    lines: str


class Worked(Struct, frozen=True):
    """A turn is over that showed its progress, after so many seconds."""

    seconds: float


Notice = (
    Plain
    | Stopped
    | QueueFull
    | Queued
    | TurnFailed
    | SessionReset
    | SessionEnded
    | SessionResumed
    | NoSuchSession
    | ProcessOver
    | ProcessMuted
    | ProcessLost
    | LastReport
    | Worked
)
