"""A call that a model writes as text is known as one where that is certain, and only there."""

from __future__ import annotations

import pytest

from hermes_trio.models.written_calls import written_call

CALL = '{"name": "now", "arguments": {}}'
CODER = "<tool_call>\n<function=now>\n<parameter=zone>\nUTC\n</parameter>\n</function>\n</tool_call>"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"<tool_call>{CALL}</tool_call>", "now"),
        (f"I look.\n<tool_call>\n{CALL}\n</tool_call>\n", "now"),
        (f"<tool_call>{CALL}</tool_call>\n<tool_call>{CALL}</tool_call>", "now"),
        ('<tool_call>{"name": "now"}</tool_call>', "now"),
        (CODER, "now"),
        (f"It writes `<tool_call>{CALL}</tool_call>`", ""),
        (f"```\n<tool_call>{CALL}</tool_call>\n```", ""),
        (f"<tool_call>{CALL}</tool_call> is how it calls.", ""),
        ('<tool_call>{"name": "other", "arguments": {}}</tool_call>', ""),
        ("<tool_call>{no call}</tool_call>", ""),
        (f"<tool_call>{CALL}", ""),
        (CODER.replace("now", "other"), ""),
    ],
)
def test_it_is_a_call(text, name):
    assert written_call(text, {"now", "sleep"}) == name
