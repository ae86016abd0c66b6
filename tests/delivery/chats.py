"""What the tests of this directory read of a World, and platforms that something happens to."""

from __future__ import annotations

import trio

from hermes_trio.testing import MemoryPlatform
from hermes_trio.values.delivery import Capabilities

EVERYTHING = {"can_edit": True, "can_delete": True, "can_react": True, "can_type": True}


def capabilities(**changed):
    """Everything a platform can do, but for what is said here."""
    return Capabilities(**{**EVERYTHING, **changed})


def calls(world, *, chat=None, op=None, since=0.0):
    """(time, op, what it is, text) of the calls, in order."""
    return [
        (
            round(c.at, 3),
            c.delivery.op,
            c.delivery.said,
            c.delivery.part.text if c.delivery.part else "",
        )
        for c in world.platform.calls
        if (chat is None or c.delivery.address.chat == chat)
        and (op is None or c.delivery.op == op)
        and round(c.at, 3) >= since
    ]


def made(world, *, chat=None, op=None):
    """(op, what it is, text) of the calls, in order; typing left out."""
    return [call[1:] for call in calls(world, chat=chat, op=op) if call[1] != "typing"]


def outbound(world, columns="said, state, attempts, unknown, marked", where="1"):
    """Rows of the outbox."""
    return world.db.execute(f"select {columns} from outbound where {where} order by id").fetchall()


class Tripwire(MemoryPlatform):
    """Trips once, before or after the call that `when` chooses has been shown.

    Attributes:
        trip: called when it trips, in the middle of `deliver`.
        tripped: set then.
    """

    def __init__(self, *args, when=lambda delivery: delivery.op == "send", after=False, **kwargs):
        super().__init__(*args, **kwargs)
        self.when = when
        self.after = after
        self.trip = None
        self.tripped = trio.Event()

    async def deliver(self, delivery):
        armed = not self.tripped.is_set() and self.trip is not None and self.when(delivery)
        if armed and not self.after:
            await self._trip()
        receipt = await super().deliver(delivery)
        if armed and self.after:
            await self._trip()
        return receipt

    async def _trip(self):
        self.tripped.set()
        self.trip()
        await trio.lowlevel.checkpoint()


async def crash_in_call(world):
    """The gateway dies in the middle of the chosen call, and starts again."""
    world.platform.trip = world.crash
    await world.platform.tripped.wait()
    await world.start()
