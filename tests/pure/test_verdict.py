"""What becomes of an interrupted turn."""

from __future__ import annotations

import pytest

from hermes_trio.pure.verdict import verdict

ORDINARY = {
    "age_s": 60.0,
    "interruptions": 1,
    "waits": False,
    "allowed": True,
    "resume": True,
    "freshness_s": 3600.0,
    "stuck_after": 3,
}


@pytest.mark.parametrize(
    ("but", "found"),
    [
        ({}, "resume"),
        ({"age_s": 3600.0}, "resume"),
        ({"age_s": 3600.1}, "too_old"),
        ({"interruptions": 2}, "resume"),
        ({"interruptions": 3}, "stuck"),
        ({"interruptions": 30}, "stuck"),
        ({"allowed": False}, "not_allowed"),
        ({"resume": False}, "not_asked"),
        ({"freshness_s": 0.0}, "not_asked"),
        ({"freshness_s": 0.0, "age_s": 0.0}, "not_asked"),
        # A person may take as long as the question is open, a reminder as long as it is set.
        ({"waits": True, "age_s": 1e6}, "resume"),
        ({"waits": True, "interruptions": 30}, "resume"),
        ({"waits": True, "resume": False}, "not_asked"),
        ({"waits": True, "allowed": False}, "not_allowed"),
        # A time in the future counts as now once, then the turn is closed.
        ({"age_s": -5000.0}, "resume"),
        ({"age_s": -5000.0, "interruptions": 2}, "too_old"),
        ({"age_s": -5000.0, "interruptions": 2, "waits": True}, "resume"),
        # Who may not speak is not resumed whatever else is true.
        ({"allowed": False, "interruptions": 9, "resume": False}, "not_allowed"),
    ],
)
def test_verdict(but, found):
    assert verdict(**{**ORDINARY, **but}) == found
