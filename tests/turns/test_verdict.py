"""What becomes of an interrupted turn."""

from __future__ import annotations

import pytest

from hermes_trio.turns.verdict import verdict
from hermes_trio.values.transcript import AssistantEntry, ToolCall, ToolEntry, UserEntry

ASKED = UserEntry(text="do it")
CALLS = AssistantEntry(text="", calls=(ToolCall("1", "mail", "{}"),), finish="tool_calls")
ANSWER = AssistantEntry(text="done")

ORDINARY = {
    "tail": ASKED,
    "age_s": 60.0,
    "interruptions": 1,
    "waits": False,
    "served": True,
    "allowed": True,
    "resume": True,
    "guarded": False,
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
        # Of an account that is not there nothing is decided, not even whether its owner may speak.
        ({"served": False, "allowed": False}, "absent"),
        ({"served": False, "tail": ANSWER, "resume": False, "age_s": 1e6, "interruptions": 30}, "absent"),
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
        # The tail is a final answer with an explicit end: it is the answer, however old, however often cut.
        ({"tail": ANSWER}, "answered"),
        ({"tail": ANSWER, "age_s": 1e6, "interruptions": 30}, "answered"),
        ({"tail": ANSWER, "resume": False, "guarded": True}, "answered"),
        ({"tail": ANSWER, "allowed": False}, "not_allowed"),
        # Without such an end it is partial, and goes on; so does what was only said on the way.
        ({"tail": AssistantEntry(text="do", finish="partial")}, "resume"),
        ({"tail": AssistantEntry(text="do", finish="length")}, "resume"),
        ({"tail": AssistantEntry(text="looking", interim=True)}, "resume"),
        ({"tail": AssistantEntry(text=" ")}, "resume"),
        # Calls, results, a message that was taken in: there is something to go on with.
        ({"tail": CALLS}, "resume"),
        ({"tail": AssistantEntry(text="I look.", calls=CALLS.calls)}, "resume"),
        ({"tail": ToolEntry("1", "mail", "sent")}, "resume"),
        ({"tail": ToolEntry("1", "mail", "sent"), "age_s": 3600.1}, "too_old"),
        ({"tail": None}, "resume"),
        # The whole process keeps dying: what would go on is held back, what would end ends.
        ({"guarded": True}, "paused"),
        ({"guarded": True, "waits": True}, "paused"),
        ({"guarded": True, "interruptions": 3}, "stuck"),
        ({"guarded": True, "age_s": 3600.1}, "too_old"),
        ({"guarded": True, "resume": False}, "not_asked"),
        # Who may not speak is not resumed whatever else is true.
        ({"allowed": False, "interruptions": 9, "resume": False}, "not_allowed"),
    ],
)
def test_verdict(but, found):
    assert verdict(**{**ORDINARY, **but}) == found
