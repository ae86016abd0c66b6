"""Every point at which anything may be cut: the rounds of the scheduler, counted from outside.

Between two rounds every task stands at a checkpoint, so a cut between each two reaches every checkpoint that
anything stands at.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

PATIENCE_ROUNDS = 5000


class Rounds(trio.abc.Instrument):
    """Counts rounds, and acts between two of them.

    Args:
        at: after so many rounds.
        act: called once, synchronously, while no task runs.
    """

    def __init__(self, at: int = PATIENCE_ROUNDS, act: Callable[[], None] = lambda: None) -> None:
        self.count = 0
        self._at = at
        self._act = act
        self.acted = False

    def after_io_wait(self, timeout: float) -> None:
        """See trio."""
        self.count += 1
        if self.count >= self._at and not self.acted:
            self.acted = True
            self._act()

    def __enter__(self) -> Rounds:
        trio.lowlevel.add_instrument(self)
        return self

    def __exit__(self, *_: object) -> None:
        trio.lowlevel.remove_instrument(self)


def tasks() -> list[str]:
    """The name of every task there is."""
    found, todo = [], [trio.lowlevel.current_root_task()]
    while todo:
        task = todo.pop()
        found.append(task.name)
        todo += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return sorted(found)
