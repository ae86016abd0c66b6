"""now: the date and time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hermes_trio.ports.tool import ToolContext


class Now:
    """Tells the model the wall time, as recorded: the same when the turn is run again."""

    name = "now"
    description = "The current date and time in UTC, ISO 8601."
    parameters: Mapping[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
    idempotent = True

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> str:
        """The time as text."""
        return datetime.fromtimestamp(await call.now(), UTC).isoformat(timespec="seconds")


tool = Now()
