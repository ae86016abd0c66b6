"""Time smaller than a tick: rounds of the scheduler. In one round every task that can go on goes on once."""

from __future__ import annotations

import trio


async def rounds(count: int) -> None:
    """Let so many rounds pass. The clock does not move meanwhile."""
    for _ in range(count):
        await trio.lowlevel.checkpoint()
