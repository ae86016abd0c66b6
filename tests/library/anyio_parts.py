"""An agent, a tool and an adapter by somebody who knows anyio only."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import anyio.to_thread

from hermes_trio import Address, Capabilities, Message, NotSent, Part, Policy, Receipt


async def agent(turn):
    """Asks two places at once and says which was first."""
    found = []

    async def look(place, seconds):
        await anyio.sleep(seconds)
        found.append(place)

    async with anyio.create_task_group() as group:
        group.start_soon(look, "there", 0.02)
        group.start_soon(look, "here", 0.001)
    with anyio.move_on_after(0.001):
        await anyio.sleep_forever()
    upper = await anyio.to_thread.run_sync(turn.text.upper)
    return f"{upper}: {' before '.join(found)}"


class Count:
    """A tool."""

    name = "count"
    description = "counts letters"
    idempotent = True

    def __init__(self):
        self.parameters = {"type": "object", "properties": {"text": {"type": "string"}}}

    async def run(self, arguments, call):
        """Count, slowly."""
        with anyio.fail_after(5):
            await anyio.sleep(0.001)
            async with anyio.Lock():
                return len(arguments["text"])


class Chat:
    """A platform: two streams in memory."""

    name = "anychat"
    account = "main"
    capabilities = Capabilities(can_edit=True, can_type=True)
    policy = Policy(allow_users=("ada",))

    def __init__(self):
        self.write, self._read = anyio.create_memory_object_stream(100)
        self._said, self.said = anyio.create_memory_object_stream(100)
        self._count = 0
        self._lines = None

    @asynccontextmanager
    async def open(self):
        """What both directions share."""
        self._lines = anyio.CapacityLimiter(4)
        async with self._read, self._said:
            yield

    async def serve(self, intake):
        """Receive until the writer has closed its end."""
        intake.received()
        async for text in self._read:
            self._count += 1
            address = Address(self.name, self.account, "room", None, "ada")
            message = Message(
                native=str(self._count), address=address, text=text, message_id=str(self._count)
            )
            await intake.accept([message])
            intake.received()

    async def deliver(self, delivery):
        """Say it."""
        if self._lines is None:
            raise NotSent("not open")
        async with self._lines:
            if delivery.part is not None:
                await self._said.send(delivery.part.text)
        return Receipt(delivery.key or None)

    def split(self, text):
        """Short texts only."""
        return [Part(text)]
