"""What becomes of a turn that an older boot left running. Asked once per boot, before any platform starts."""

from __future__ import annotations

from typing import Literal

from hermes_trio.values.transcript import AssistantEntry, Entry, NoteEntry

Verdict = Literal[
    "resume", "paused", "answered", "empty", "too_old", "stuck", "not_allowed", "not_asked", "absent"
]


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
    """Resume it, or why not.

    Args:
        tail: the newest entry of the turn; a note only if the turn has nothing else.
        age_s: of the last transcript entry. Below 0 its time is in the future: that counts as now once.
        interruptions: boots in a row that its session was interrupted in, this one counted.
        waits: for a person, who may take as long as the question is open, or for a time to come. It
            did not work, so neither its age nor the interruptions tell anything about it.
        served: its account is one of those that this boot serves; else a later one decides.
        allowed: its owner may still speak to the account.
        resume: False for `run --no-resume`.
        guarded: too many boots ended badly in too short a time: what would resume is paused.
        freshness_s: older turns are not resumed; 0 is never.
        stuck_after: as many interruptions in a row end it.
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
        if isinstance(tail, NoteEntry) and tail.about == "cut_short":
            return "empty"
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
