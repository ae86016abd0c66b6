"""The verdict on an interrupted turn, one an older boot left running. Once per boot, before intake begins."""

from __future__ import annotations

from typing import Literal

from hermes_trio.values.transcript import AssistantEntry, Entry

Verdict = Literal["resume", "paused", "answered", "too_old", "stuck", "not_allowed", "not_asked", "absent"]


def verdict(
    *,
    tail: Entry | None,
    age_s: float,
    interruptions: int,
    waits: bool,
    served: bool,
    allowed: bool,
    resume: bool,
    guarded: bool,
    freshness_s: float,
    stuck_after: int,
) -> Verdict:
    """Resume the turn, or why it is not resumed.

    Args:
        tail: the newest entry of the turn that is no note.
        age_s: seconds since the last thing it did (`Interrupted.age_s`). Below 0 if that is in the future,
            since the wall clock was set back: at the first interruption it counts as fresh, later as too old.
        interruptions: how many boots in a row left a turn of its session running, the last one included.
        waits: it waits for the answer to an open question, or for a time to come. It was idle when it was
            interrupted, so its age and the interruptions do not count.
        served: this boot serves its account. If not, a later boot decides.
        allowed: somebody whom it answers may still speak to the account.
        resume: False for `run --no-resume`.
        guarded: too many boots ended badly in too short a time. A turn that would be resumed is paused then.
        freshness_s: a turn that is older is not resumed; 0: none is.
        stuck_after: a turn with so many interruptions in a row is not resumed.
    """
    if not served:
        return "absent"
    if not allowed:
        return "not_allowed"
    if is_answer(tail):
        return "answered"
    if not resume or freshness_s <= 0:
        return "not_asked"
    if not waits:
        if interruptions >= stuck_after:
            return "stuck"
        if age_s > freshness_s or (age_s < 0 and interruptions > 1):
            return "too_old"
    return "paused" if guarded else "resume"


def is_answer(entry: Entry | None) -> bool:
    """Whether a turn with this tail has its answer: text with an explicit end, and nothing to follow."""
    return (
        isinstance(entry, AssistantEntry)
        and entry.finish == "stop"
        and not entry.interim
        and not entry.calls
        and bool(entry.text.strip())
    )
