"""What is kept of a conversation so that it can be run again: the values a recording is made of.

A recording is one JSON file, made by `hermes-trio export` and run by `hermes_trio.testing.replay`. Its times
are seconds since `began_at`, rounded to microseconds. Raw updates, programs and their output are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Raw, Struct

from hermes_trio.values.delivery import Capabilities, Choice, DeliveryKind
from hermes_trio.values.identity import Address, ConversationKey, Policy
from hermes_trio.values.message import Message, OutcomeName, TurnState
from hermes_trio.values.transcript import Entry

VERSION = 1


class ToolSetup(Struct, frozen=True, kw_only=True):
    """A tool as a boot offered it to the model."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    idempotent: bool


class AgentSetup(Struct, frozen=True, kw_only=True):
    """The built-in agent as a boot ran it; see `ModelAgent`."""

    name: str
    prompt: str
    steps_max: int
    same_failure_max: int
    history_tokens: int
    tools: tuple[ToolSetup, ...] = ()


class AccountSetup(Struct, frozen=True, kw_only=True):
    """An account as a boot served it."""

    capabilities: Capabilities
    policy: Policy


class Setup(Struct, frozen=True, kw_only=True):
    """What shaped everything that a boot did.

    Args:
        gateway, session: the options of these sections, by name; no folder.
        accounts: by `platform/account`.
        agent: None for a function of somebody's own.
    """

    gateway: Mapping[str, Any]
    session: Mapping[str, Any]
    accounts: Mapping[str, AccountSetup]
    agent: AgentSetup | None = None


class Failure(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The error that ended a turn.

    Args:
        type: its type's name.
        text: its text, without secrets.
        traceback: the frames it came through, without secrets; "" where it is no fault in anybody's code.
        kind: of a model's failure, or of the refusal of the last key.
        until: wall time a key may be used again.
        defer: the turn's messages were kept until then.
        cooldown_until: wall time at which the first cooldown ended, if that decided over it.
    """

    type: str
    text: str
    traceback: str = ""
    kind: str | None = None
    until: float | None = None
    defer: bool = False
    cooldown_until: float | None = None


# --- how a store is asked for one ------------------------------------------------------------------

RecordingPart = Literal["boots", "sessions", "messages", "turns", "steps", "entries", "said"]
"""The lists of a recording, in the order in which they are read."""


class RecordingHead(Struct, frozen=True, kw_only=True):
    """Which conversation, and what time: all that lies between `began_at` and `until`, wall times.

    Args:
        since: what belongs to no turn belongs to it if it was settled later.
        running: a daemon ran at its end. Else its newest life, if that has no end, was killed.
    """

    session: int
    key: ConversationKey
    since: float
    began_at: float
    until: float
    running: bool = True


After = tuple[int, int]
"""Behind which row a list goes on; (0, 0): from its beginning."""


class RecordingRows(Struct, frozen=True, kw_only=True):
    """A page of one list, each row as JSON. `after`: where the next page begins, None: there is none."""

    rows: tuple[Raw, ...]
    after: After | None = None


# --- the rows of a recording ----------------------------------------------------------------------


class RecordedSession(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A session of the key. `why` it ended: a command's or a turn's reason, "operator", or a rule's name."""

    id: int
    opened_at: float
    ended_at: float | None = None
    why: str | None = None


class RecordedBoot(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A life of the process. One without an end, before another, was killed.

    Args:
        clean: it ended and left no turn running.
    """

    id: int
    started_at: float
    ended_at: float | None = None
    clean: bool = False
    setup: Setup | None = None


class RecordedMessage(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An inbound message and what became of it.

    Args:
        at: when it was accepted.
        kind: "message"; "command"; "alone", "steer" (what /queue and /steer asked for); "answer" (to a
            question); "wake", "match" (written by the gateway for a program).
        heard_at: when it was given to a turn first.
        turn: the newest turn that answered it, or tried to.
        step: "name#n" of the step at whose end the turn took it in.
    """

    at: float
    message: Message
    kind: str = "message"
    outcome: OutcomeName | None = None
    reason: str = ""
    settled_at: float | None = None
    heard_at: float | None = None
    turn: int | None = None
    step: str | None = None


class RecordedTurn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A turn.

    Args:
        boot: the newest that ran it.
        checkpoint_at: when a drain last found it running.
    """

    id: int
    session: int
    state: TurnState
    opened_at: float
    attempt: int = 1
    boot: int = 0
    closed_at: float | None = None
    checkpoint_at: float | None = None
    reason: str = ""
    error: Failure | None = None


class RecordedStep(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step, in the order in which they ended.

    Args:
        name, n: the n-th call of this name in its turn.
        state: "intent": it did not end.
        digest: of its arguments.
        value: what it gave; for "failed" [type name, text].
        begun_at: when its intent was written.
        at: when its newest state was.
        wake_at: when its sleep or its question ends.
    """

    turn: int
    name: str
    n: int
    state: Literal["intent", "done", "failed"]
    digest: str
    at: float
    value: Raw = Raw(b"null")
    begun_at: float | None = None
    wake_at: float | None = None


class RecordedEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row of the transcript."""

    session: int
    entry: Entry
    at: float
    turn: int | None = None


class RecordedPart(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A piece of what was said, in the order in which they were owed.

    Args:
        state: "owed", "sending": not said yet; "sent"; "failed", "unknown", "dropped": given up.
        row: its number.
        first: that of its reply's first part, if it is not that itself.
        begun_at: when its first call began.
        message_id: the platform's id of it.
    """

    row: int
    address: Address
    said: DeliveryKind
    text: str
    state: str
    at: float
    turn: int | None = None
    begun_at: float | None = None
    sent_at: float | None = None
    first: int | None = None
    marked: bool = False
    message_id: str | None = None
    choices: tuple[Choice, ...] = ()
    why: str = ""


class Recording(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A conversation, recorded.

    Args:
        version: of this shape; a reader refuses one that it does not know.
        session: which was asked for. Others of its key stand beside it where they lie in between.
        key: whose conversation it is.
        began_at: wall time that all times count from.
        until: how long it was recorded.
        running: a daemon ran at its end. Else its newest life, if that has no end, was killed.
        messages: of the key, in order of arrival.
        said: what is said for good in its chat and thread; previews, progress and signs are left out.
    """

    version: int
    session: int
    key: ConversationKey
    began_at: float
    until: float
    running: bool
    boots: tuple[RecordedBoot, ...] = ()
    sessions: tuple[RecordedSession, ...] = ()
    messages: tuple[RecordedMessage, ...] = ()
    turns: tuple[RecordedTurn, ...] = ()
    steps: tuple[RecordedStep, ...] = ()
    entries: tuple[RecordedEntry, ...] = ()
    said: tuple[RecordedPart, ...] = ()
