"""A child as it is shown."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class ChildView(Struct, frozen=True, kw_only=True):
    """A child, as `/status`, `/stop` and tools show it.

    Args:
        state: "running", or how it ended: "exited", "killed", "lost" (the gateway was stopped meanwhile).
        code: exit code; minus the number of the signal that ended it.
        keep: it outlives a reset of its session.
    """

    id: int
    session: int
    command: str
    state: Literal["running", "exited", "killed", "lost"]
    began_at: float
    ended_at: float | None = None
    code: int | None = None
    keep: bool = False
