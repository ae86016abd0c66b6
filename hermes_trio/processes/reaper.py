"""The reaper: ends process groups with a grace period, in tasks of its own. No turn and no reset waits."""

from __future__ import annotations

import trio

from hermes_trio.ports.process import Group
from hermes_trio.ports.system import Log
from hermes_trio.runtime.stop_times import LEAVE_S
from hermes_trio.runtime.supervise import attempt

GRACE_S = 1.5
KILL_S = LEAVE_S - GRACE_S
"""Grace and kill together take `LEAVE_S` at most: what the reaper got before a stop is ended in time."""
AGAIN_S = 0.05


class Reaper:
    """Ends process groups: TERM to the group, 1.5 s of grace, KILL to the group.

    Each group has a task of its own, which shields itself for at most two seconds. So neither the turn that
    handed the group over nor a stop of the gateway cuts it short. Whoever leaves the nursery waits for it.

    Args:
        nursery: owns these tasks.
    """

    def __init__(self, nursery: trio.Nursery, log: Log) -> None:
        self._nursery = nursery
        self._log = log

    def take(self, group: Group, name: str, *, close: bool = True) -> None:
        """End this group. Returns at once.

        Args:
            close: close the group when it is gone. False: somebody else still uses it, and closes it.
        """
        self._nursery.start_soon(self._end, group, name, close, name=f"reap {name}")

    async def _end(self, group: Group, name: str, close: bool) -> None:
        ending = _Ending(group)
        try:
            with trio.move_on_after(GRACE_S + KILL_S, shield=True):
                # A machine may be short of memory or descriptors for a moment. That must neither end the
                # gateway nor spare the group: it is tried again.
                while (await attempt(ending.run))[1] is not None:  # noqa: ASYNC110 - nobody tells when it has
                    await trio.sleep(AGAIN_S)
        finally:
            if close:
                group.close()
            if ending.left:
                self._log.error("process left behind", process=name, left=ending.left)


class _Ending:
    """The end of a group.

    Attributes:
        left: how many processes of the group were there at the last look.
    """

    def __init__(self, group: Group) -> None:
        self.left = 0
        self._group = group
        self._grace_until = trio.current_time() + GRACE_S
        self._asked = False

    async def run(self) -> None:
        """TERM, the grace, KILL. Run again after a failure, it goes on where it was."""
        group = self._group
        with trio.move_on_at(self._grace_until):
            if not self._asked:
                self.left = group.signal("term")
                self._asked = True
            if self.left:
                await group.gone()
        # Between the look at all processes and the signal a new one may have been started.
        while left := group.signal("kill"):
            self.left = left
            await group.gone()
        self.left = 0
