"""The tools of a World: those that it has by itself, and one that records what it did, slow or broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import trio
from msgspec import Struct

from hermes_trio.ports.tool import Tool, ToolContext
from hermes_trio.testing.incarnation import act
from hermes_trio.testing.record import Record
from hermes_trio.tools.now import tool as now
from hermes_trio.tools.sleep import tool as sleep


def beside_the_own(tools: Sequence[Tool]) -> list[Tool]:
    """`now` and `sleep`, but for those in whose place one of `tools` stands, and these."""
    given = [getattr(tool, "name", None) for tool in tools]
    return [*(own for own in (now, sleep) if own.name not in given), *tools]


class Effect(Struct, frozen=True):
    """A tool took effect.

    Args:
        at: virtual seconds since the World began.
        op: the same when the call is repeated after a crash.
        arguments: as the model gave them.
    """

    at: float
    op: str
    arguments: Mapping[str, Any]


class RecordingTool:
    """A Tool whose effects a test counts.

    Args:
        name: what the model calls it.
        result: what it returns, or a callable of its arguments that does.
        idempotent: see the port.
        before_s, after_s: virtual seconds before it takes effect, and from then until it returns.
        shielded: a cancel does not interrupt it.
        fails: it raises RuntimeError with this text instead of returning; its effect has happened.

    Attributes:
        effects: each time it took effect. What belongs to a gateway that was killed does not.
        record: where it says what happened; a World gives it its own.
    """

    description = "A tool of a test."

    def __init__(
        self,
        name: str,
        result: object = "done",
        *,
        idempotent: bool = False,
        before_s: float = 0.0,
        after_s: float = 0.0,
        shielded: bool = False,
        fails: str | None = None,
    ) -> None:
        self.name = name
        self.idempotent = idempotent
        self.parameters: Mapping[str, Any] = {"type": "object"}
        self.before_s = before_s
        self.after_s = after_s
        self.shielded = shielded
        self.fails = fails
        self.effects: list[Effect] = []
        self.record = Record()
        self._result = result

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Take effect, once. See the port; cancelled before its time, it has not."""
        with trio.CancelScope(shield=self.shielded):
            await trio.sleep(self.before_s)
            await act("tool")
            self.effects.append(Effect(self.record.now, call.op, arguments))
            self.record.add("tool", "effect", tool=self.name, op=call.op)
            await trio.sleep(self.after_s)
        if self.fails is not None:
            raise RuntimeError(self.fails)
        return self._result(arguments) if callable(self._result) else self._result
