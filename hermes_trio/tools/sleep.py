"""sleep: wait, across restarts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hermes_trio.ports.tool import ToolContext

LONGEST_S = 30 * 86400.0


class Sleep:
    """Lets the model wait. The wake-up time is durable: after a restart it sleeps the rest."""

    name = "sleep"
    description = "Wait for a number of seconds, then go on."
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {"s": {"type": "number", "minimum": 0, "maximum": LONGEST_S, "description": "seconds"}},
        "required": ["s"],
        "additionalProperties": False,
    }
    idempotent = True

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> str:
        """Sleep.

        Raises:
            ValueError: `s` is no number of seconds within 30 days.
        """
        seconds = arguments.get("s")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= LONGEST_S:
            raise ValueError("s must be a number of seconds, 0 to 2592000")
        await call.sleep(float(seconds))
        return f"Slept {seconds} s."


tool = Sleep()
