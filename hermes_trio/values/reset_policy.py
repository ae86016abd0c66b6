"""When a conversation ends by itself. Asked at every admission of a message that would open a turn."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Literal

from msgspec import Struct

Rule = Literal["idle", "daily"]


class ResetPolicy(Struct, frozen=True):
    """`[session] reset` and what belongs to it.

    Args:
        reset: which rules there are.
        idle_after_s: so long without a message.
        daily_at: a time of day, "HH:MM".
        zone: where that time of day is.
    """

    reset: Literal["none", "idle", "daily", "both"] = "none"
    idle_after_s: float = 86400.0
    daily_at: str = "04:00"
    zone: tzinfo = UTC


def rule_that_fired(policy: ResetPolicy, last: float, now: float) -> Rule | None:
    """The rule that ended the conversation between two messages; of two the one that came first.

    A restart, or what the gateway says, is no message. A clock that was set back ends nothing.

    Args:
        last: wall time of the last message before.
        now: wall time of this one.
    """
    due: list[tuple[float, Rule]] = []
    if policy.reset in ("idle", "both"):
        due.append((last + policy.idle_after_s, "idle"))
    if policy.reset in ("daily", "both"):
        due.append((_next_daily(policy, last), "daily"))
    fired = [(at, rule) for at, rule in due if at <= now]
    return min(fired)[1] if fired else None


def _next_daily(policy: ResetPolicy, after: float) -> float:
    """The first instant after `after` at which the day's time is reached.

    Where a clock change skips that time it is reached an hour later on the clock; where the time comes
    twice, the first counts.
    """
    at = time.fromisoformat(policy.daily_at)
    day = datetime.fromtimestamp(after, policy.zone).date() - timedelta(days=1)
    while True:
        reached = datetime.combine(day, at, policy.zone).timestamp()
        if reached > after:
            return reached
        day += timedelta(days=1)
