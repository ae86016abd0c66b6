"""The reaper: ends process groups with their grace period, so that no turn and no reset waits for one."""

from __future__ import annotations

import trio

from hermes_trio.ports.process import Group
from hermes_trio.ports.system import Log
from hermes_trio.runtime.stop_times import LEAVE_S
from hermes_trio.runtime.supervise import attempt

GRACE_S = 1.5
KILL_S = LEAVE_S - GRACE_S
"""What it was given before a stop is ended when the gateway is left."""
AGAIN_S = 0.05


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
        ending = _Ending(group)
        try:
            with trio.move_on_after(GRACE_S + KILL_S, shield=True):
                # A machine that has no room for a moment ends no gateway, and spares nobody.
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
        left: so many were there when they were last looked at.
    """

    def __init__(self, group: Group) -> None:
        self.left = 0
        self._group = group
        self._grace_until = trio.current_time() + GRACE_S
        self._asked = False

    async def run(self) -> None:
        """TERM, its grace, KILL. Run again after a failure, it goes on."""
        group = self._group
        with trio.move_on_at(self._grace_until):
            if not self._asked:
                self.left = group.signal("term")
                self._asked = True
            if self.left:
                await group.gone()
        # Between a look at all processes and the signal one may have been born.
        while left := group.signal("kill"):
            self.left = left
            await group.gone()
        self.left = 0
