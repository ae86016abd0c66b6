"""What a failed turn means for its messages and its user: one reason, one sentence."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from hermes_trio.errors import AskTimedOut, LimitReached, ModelFailed, NoCredentials, TurnTimedOut
from hermes_trio.text import sentences
from hermes_trio.text.foreign_errors import said_by
from hermes_trio.text.sanitize import clean
from hermes_trio.values.message import OutcomeName
from hermes_trio.values.recording import Failure

DEFER_MAX_S = 86_400.0
"""An older message is not deferred: it fails instead of waiting any longer for a key."""

WAIT_MAX_S = 120.0
"""A message is deferred for a cooldown that ends within so many seconds of the message. A later end is not
waited for."""

SAID_AFTER_S = 10.0
"""A chat hears that its message is deferred only when the wait is longer than this."""

DEFER_MIN_S = 1.0
TEXT_MAX = 2_000


class Ending(Struct, frozen=True):
    """How a turn that made an error ends.

    Args:
        sentence: for the user; "": nothing is said yet.
        outcome: of its messages.
        until: its messages have no outcome. They are deferred, and tried again at this wall time.
    """

    reason: str
    sentence: str
    outcome: OutcomeName = "failed"
    until: float | None = None


def ending_of(error: BaseException, turn: int, *, now: float, asked_at: float) -> Ending:
    """The ending of a turn that failed with this error.

    Args:
        asked_at: wall time of the newest of its messages.
    """
    match error:
        case NoCredentials(until=float(), defer=True, cooldown_until=None) if now - asked_at < DEFER_MAX_S:
            return _deferred(error, now)
        case NoCredentials(until=float(), defer=True, cooldown_until=float(ready_at)) if (
            ready_at <= asked_at + WAIT_MAX_S
        ):
            return _waiting(error, now, asked_at)
        case AskTimedOut():
            return Ending("no answer", sentences.NO_ANSWER)
        case TurnTimedOut():
            return Ending("deadline", sentences.DEADLINE)
        case ModelFailed(kind=kind):
            return Ending(f"model: {kind}", sentences.model_failed(kind, turn))
        case NoCredentials(until=until, kind=kind):
            wait_s = None if until is None else until - now
            return Ending("no_credentials", sentences.no_credentials(wait_s, kind), "refused")
        case LimitReached():
            return Ending(f"limit: {error}", sentences.limit_reached(str(error)))
        case _:
            return Ending(type(error).__name__, sentences.failed(turn))


def failure_of(error: BaseException, traceback: str | None, redact: Callable[[str], str]) -> Failure:
    """What is recorded of the error that a turn failed with: enough for a replay to raise it again."""
    text, name = clean(redact(said_by(error)))[:TEXT_MAX], type(error).__name__
    match error:
        case ModelFailed(kind=kind, why=why):
            return Failure(type=name, text=clean(redact(why))[:TEXT_MAX], kind=kind)
        case NoCredentials(kind=kind, until=until, defer=defer, cooldown_until=ready_at):
            return Failure(type=name, text=text, kind=kind, until=until, defer=defer, cooldown_until=ready_at)
        case _:
            return Failure(type=name, text=text, traceback=redact(traceback or ""))


def _deferred(error: NoCredentials, now: float) -> Ending:
    until = max(error.until or 0.0, now + DEFER_MIN_S)
    return Ending("deferred", sentences.deferred(until - now, error.kind), until=until)


def _waiting(error: NoCredentials, now: float, asked_at: float) -> Ending:
    """The ending of messages that are deferred for a short while. Nothing is said in the first ten seconds:
    they are tried again then, and if they still have to wait, that is said."""
    ending = _deferred(error, now)
    said_at = asked_at + SAID_AFTER_S
    if now >= said_at or ending.until is None:
        return ending
    return Ending("deferred", "", until=min(ending.until, said_at))
