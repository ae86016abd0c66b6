"""The reaper: ends process groups with their grace period, so that no turn and no reset waits for one."""

from __future__ import annotations

import trio

from hermes_trio.child_port import Group
from hermes_trio.log import Log

GRACE_S = 1.5
KILL_S = 0.5
"""Together the LEAVE_S of a stop: what it was given before is ended when the gateway is left."""


class Reaper:
    """Ends what it is given: TERM to the group, its grace, KILL to the group.

    Each end is a task of its own that shields itself, for at most two seconds: neither the turn that handed
    the group over nor a stop of the gateway cuts it short, and leaving the nursery waits for it.

    Args:
        nursery: owns the ends.
    """

    def __init__(self, nursery: trio.Nursery, log: Log) -> None:
        self._nursery = nursery
        self._log = log

    def take(self, group: Group, name: str, *, close: bool = True) -> None:
        """End this group. Returns at once.

        Args:
            close: nobody else looks at it: it is closed when it is gone.
        """
        self._nursery.start_soon(self._end, group, name, close, name=f"reap {name}")

    async def _end(self, group: Group, name: str, close: bool) -> None:
        left = 0
        try:
            with trio.move_on_after(GRACE_S + KILL_S, shield=True):
                with trio.move_on_after(GRACE_S):
                    if group.signal("term"):
                        await group.gone()
                # Between a look at all processes and the signal one may have been born.
                while left := group.signal("kill"):
                    await group.gone()
        finally:
            if close:
                group.close()
            if left:
                self._log.error("child left behind", child=name, processes=left)
