"""Every point at which anything may be cut: the rounds of the scheduler, counted from outside.

Between two rounds every task stands at a checkpoint, so a cut between each two reaches every checkpoint that
anything stands at.
"""

from __future__ import annotations

from collections.abc import Callable

import trio


class Rounds(trio.abc.Instrument):
    """While the body runs, counts rounds, and acts once between two of them.

    Args:
        at: after so many rounds; None: only count.
        act: called synchronously, while no task runs.

    Attributes:
        count: how many rounds have passed.
        acted: it has acted.
    """

    def __init__(self, at: int | None = None, act: Callable[[], None] = lambda: None) -> None:
        self.count = 0
        self.acted = False
        self._at = at
        self._act = act

    def after_io_wait(self, timeout: float) -> None:
        """See trio."""
        self.count += 1
        if self._at is not None and self.count >= self._at and not self.acted:
            self.acted = True
            self._act()

    def __enter__(self) -> Rounds:
        trio.lowlevel.add_instrument(self)
        return self

    def __exit__(self, *_: object) -> None:
        trio.lowlevel.remove_instrument(self)


async def rounds(count: int) -> None:
    """Let so many rounds pass; in each every task that can go on goes on once. The clock stands still.

    Cancelled: fewer have passed.
    """
    for _ in range(count):
        await trio.lowlevel.checkpoint()
