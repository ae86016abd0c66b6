"""What a failed turn means for its messages and its user: one reason, one sentence."""

from __future__ import annotations

from msgspec import Struct

from hermes_trio.errors import AskTimedOut, LimitReached, ModelFailed, NoCredentials, TurnTimedOut
from hermes_trio.pure import texts
from hermes_trio.values import OutcomeName


class Ending(Struct, frozen=True):
    """How a turn that made an error ends.

    Args:
        reason: for the ledger.
        sentence: for the user.
        outcome: of its messages.
    """

    reason: str
    sentence: str
    outcome: OutcomeName = "failed"


def ending_of(error: BaseException, turn: int, now: float) -> Ending:
    """The ending of a turn that failed with this error at wall time `now`."""
    match error:
        case AskTimedOut():
            return Ending("no answer", texts.NO_ANSWER)
        case TurnTimedOut():
            return Ending("deadline", texts.DEADLINE)
        case ModelFailed(kind=kind):
            return Ending(f"model: {kind}", texts.model_failed(kind, turn))
        case NoCredentials(until=until, kind=kind):
            wait_s = None if until is None else until - now
            return Ending("no_credentials", texts.no_credentials(wait_s, kind), "refused")
        case LimitReached():
            return Ending(f"limit: {error}", texts.limit_reached(str(error)))
        case _:
            return Ending(type(error).__name__, texts.failed(turn))
