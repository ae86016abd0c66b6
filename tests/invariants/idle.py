"""A real gateway in a process of its own: how many tasks, files and bytes it holds, before and after.

`python -m tests.invariants.idle FOLDER SESSIONS` prints them as JSON.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import trio

from hermes_trio import Address, Message, Policy, Receipt, Traits, open_gateway, split_markdown
from tests.cancel.points import tasks


class Service:
    """A platform that keeps nothing: what is said is counted."""

    name, account = "service", "main"
    traits = Traits(can_edit=True, can_type=True)
    policy = Policy(allow_users=("*",))

    def __init__(self) -> None:
        self.said = self.awaited = 0
        self.enough = trio.Event()
        self._send, self._updates = trio.open_memory_channel[list[Message]](10)

    def open(self):
        return nullcontext()

    async def serve(self, intake):
        intake.received()
        async for batch in self._updates:
            await intake.accept(batch)

    async def deliver(self, delivery):
        self.said += delivery.op == "send"
        if self.said == self.awaited:
            self.enough.set()
        return Receipt("1")

    def split(self, text):
        return split_markdown(text, limit=4000, unit="char")

    async def hear(self, count: int) -> None:
        """So many new people say something, each in a chat of his own; returns when all are answered."""
        first, self.awaited, self.enough = self.said, self.said + count, trio.Event()
        for at in range(first, self.awaited, 50):
            people = range(at, min(at + 50, self.awaited))
            await self._send.send([Message(native=f"{n}", address=address(n), text="hello") for n in people])
        await self.enough.wait()


def address(n: int) -> Address:
    return Address("service", "main", f"chat{n}", None, f"user{n}")


async def echo(turn):
    return f"re: {turn.text}"


def held() -> dict[str, object]:
    """What the process holds now."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "tasks": tasks(),
        "files": len(os.listdir("/proc/self/fd")),
        "bytes": pages * os.sysconf("SC_PAGESIZE"),
    }


async def main(folder: Path, sessions: int) -> dict[str, object]:
    service = Service()
    async with open_gateway(echo, platforms=[service], store=folder / "idle.db") as gateway:
        await gateway.ready()
        found = []
        for count in (100, sessions):
            await service.hear(count)
            await gateway.at_rest()
            # What a quick turn wanted to begin after half a second is forgotten when that has passed.
            await trio.sleep(1.0)
            found.append(held())
        return {"before": found[0], "after": found[1]}


if __name__ == "__main__":
    print(json.dumps(trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))))
