"""The kit's own platform in memory, and its service, under trial."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio

from hermes_trio.errors import AccountRefused, PlatformDown, PollConflict
from hermes_trio.ports.platform import Probed
from hermes_trio.testing import MemoryPlatform, Service
from hermes_trio.values.delivery import Capabilities
from hermes_trio.values.identity import Address
from hermes_trio.values.message import Undecodable

FAULTS = {
    "not_sent": "not_sent",
    "wait": "wait",
    "refused": "refuse",
    "gone": "gone",
    "markup": "markup",
    "unknown": "lost_answer",
}
TOKEN = "token-that-nobody-sees"
ALL = {"can_edit": True, "can_delete": True, "can_react": True, "can_type": True, "takes_key": True}


class Line:
    """A new life's way to the service, and what the service says of its account."""

    def __init__(self, side: MemorySide) -> None:
        self.side, self.memory = side, side.memory
        self.name, self.account = self.memory.name, self.memory.account
        self.capabilities, self.policy = self.memory.capabilities, self.memory.policy

    def open(self):
        return self.memory.open()

    async def serve(self, intake):
        if self.side.trouble is not None:
            raise self.side.trouble
        self.side.input = trio.CancelScope()
        with self.side.input:
            await self.memory.serve(intake)

    async def deliver(self, delivery):
        return await self.memory.deliver(delivery)

    def split(self, text):
        return self.memory.split(text)

    async def probe(self):
        await trio.lowlevel.checkpoint()
        if self.side.trouble is not None:
            raise self.side.trouble
        if not self.memory.connected:
            raise PlatformDown("not connected")
        return Probed("@memory")


class MemorySide(Service):
    """Users of a MemoryPlatform: two, and a topic of a group."""

    secrets = (TOKEN,)

    def __init__(self, memory: MemoryPlatform) -> None:
        self.memory = memory
        self.trouble: Exception | None = None
        self.input = trio.CancelScope()
        self.places = [
            Address("memory", "main", "ada", None, "ada"),
            Address("memory", "main", "bob", None, "bob"),
            Address("memory", "main", "group", "7", "ada"),
        ]

    async def push(self, text, place):
        thread = {"thread": place.thread, "group": True} if place.thread else {}
        self.memory.push(self.memory.message(place.user, text, chat=place.chat, **thread))

    async def push_in_group(self, text, *, called):
        self.memory.push(self.memory.message("ada", text, chat="group", group=True, addressed=called))

    async def shown(self, place):
        return self.memory.texts(place.chat, place.thread)

    async def confirmed(self):
        return self.memory._confirmed

    async def push_rubbish(self):
        self.memory.push(Undecodable(native="odd", why="no message", raw=b"{"))

    async def end(self):
        while self.memory.unread:
            await self.memory.changed()
        self.input.cancel()

    async def press(self, place, label):
        [token] = [each.token for each in self.memory.calls[-1].delivery.choices if each.label == label]
        self.memory.push(self.memory.message(place.user, "", chat=place.chat, choice=token))

    async def fail_next(self, trouble):
        self.memory.fault(FAULTS[trouble], wait_s=5.0 if trouble == "wait" else None)

    async def hold(self):
        self.memory.fault("hang")

    async def held(self):
        while not self.memory.calls:
            await self.memory.changed()

    async def release(self):
        self.memory.heal()

    async def disconnect(self):
        self.memory.disconnect()

    async def connect(self):
        self.memory.connect()

    async def refuse_account(self):
        self.trouble = AccountRefused("unknown token")

    async def take_account(self):
        self.trouble = PollConflict("another poller")


@asynccontextmanager
async def memory_side(**capabilities):
    yield MemorySide(MemoryPlatform(capabilities=Capabilities(**(ALL | {"text_max": 500} | capabilities))))
