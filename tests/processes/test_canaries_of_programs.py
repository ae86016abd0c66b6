"""I9 where programs run: what they print, what they are called, and what they inherit."""

from __future__ import annotations

import pytest

from hermes_trio.runtime.redaction import Redactor
from hermes_trio.testing import open_world, text, tool
from hermes_trio.values.identity import Secret
from tests.invariants.test_i9_canaries import FORMS, SECRET, holds, sent, stored


def told(world):
    """All that the model was shown."""
    return [repr(entry) for request in world.model.requests for entry in request.entries]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
async def test_what_a_program_prints_in_this_form_gets_nowhere(autojump_clock, form):
    redact = Redactor([Secret(SECRET)])
    async with open_world(redact=redact) as world:
        half = len(form) // 2
        prints = [(1, f"it is {form[:half]}"), (2, f"{form[half:]}, ready\n"), (3, f"{form}\rover\n")]
        prints += [(4, form[: half + 2]), (20, f"{form[half + 2 :]}\n")]
        world.processes.script("serve", prints=prints, ends_s=40, code=3)
        world.processes.script(f"echo {form}", prints=[(0, form)])
        world.model.script(
            tool("process", action="start", command="serve", watch_patterns=["ready"]),
            tool("sleep", s=5),
            tool("process", action="log", id=1),
            tool("terminal", command=f"echo {form}"),
            text("So far."),
            text("A line of it."),
            tool("process", action="log", id=1),
            text("It has ended."),
        )
        await world.say("ada", "go")
        await world.settle()
        await world.until(seconds=60)
        assert any("ready" in one for one in told(world))
        assert [one for one in told(world) if holds(one)] == []
        assert [one for one in sent(world) if holds(one)] == []
        assert [where for where in stored(world) if holds(where[1])] == []
        assert [line for line in str(world.log).splitlines() if holds(line)] == []
        assert not [
            value for process in world.processes.started for value in process.env.values() if holds(value)
        ]
