"""What becomes of a turn that an older boot left running. Asked once per boot, before any platform starts."""

from __future__ import annotations

from typing import Literal

Verdict = Literal["resume", "too_old", "stuck", "not_allowed", "not_asked"]


def verdict(
    *,
    age_s: float,
    interruptions: int,
    waits: bool,
    allowed: bool,
    resume: bool,
    freshness_s: float,
    stuck_after: int,
) -> Verdict:
    """Resume it, or why not.

    Args:
        age_s: of the last transcript entry. Below 0 its time is in the future: that counts as now once.
        interruptions: boots in a row that its session was interrupted in, this one counted.
        waits: for a person, who may take as long as the question is open, or for a time to come. It
            did not work, so neither its age nor the interruptions tell anything about it.
        allowed: its owner may still speak to the account.
        resume: False for `run --no-resume`.
        freshness_s: older turns are not resumed; 0 is never.
        stuck_after: as many interruptions in a row end it.
    """
    if not allowed:
        return "not_allowed"
    if not resume or freshness_s <= 0:
        return "not_asked"
    if waits:
        return "resume"
    if interruptions >= stuck_after:
        return "stuck"
    if age_s > freshness_s or (age_s < 0 and interruptions > 1):
        return "too_old"
    return "resume"
