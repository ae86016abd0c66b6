"""A real gateway in a process of its own: how many tasks, files and bytes it holds, before and after.

`python -m tests.invariants.idle FOLDER SESSIONS [MESSAGES]` prints them as JSON. With MESSAGES each
session has so many, of some size, and the built-in agent answers them.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import trio

from hermes_trio import Address, Capabilities, Message, Policy, Receipt, open_gateway, split_markdown
from hermes_trio.agent.agent import ModelAgent
from hermes_trio.daemon.heap import give_back_now, resident
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.runtime.clock import SystemClock, seeded_chance
from hermes_trio.values.transcript import ModelAnswer
from tests.cancel.points import tasks


class Service:
    """A platform that keeps nothing: what is said is counted."""

    name, account = "service", "main"
    capabilities = Capabilities(can_edit=True, can_type=True)
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

    async def hear(self, count: int, text: str = "hello", *, again: bool = False) -> None:
        """So many people say something, each in a chat of his own; returns when all are answered.

        Args:
            again: the same as ever; otherwise people who have said nothing yet.
        """
        first, self.awaited, self.enough = self.said, self.said + count, trio.Event()
        for at in range(first, self.awaited, 50):
            said = range(at, min(at + 50, self.awaited))
            people = [n % count if again else n for n in said]
            batch = zip(said, people, strict=True)
            await self._send.send(
                [Message(native=f"{n}", address=address(one), text=text) for n, one in batch]
            )
        await self.enough.wait()


class Repeats:
    """A model that is told conversations as one of OpenAI's is, and repeats what it was told last."""

    name, needs_key = "repeats", False

    def __init__(self):
        self._real = OpenAIModel(
            None, "http://127.0.0.1:1", "x", first_byte_s=1, between_bytes_s=1, clock=SystemClock()
        )
        self.spell = self._real.spell

    async def complete(self, request, *, key, on_text):
        await trio.lowlevel.checkpoint()
        told = json.loads(self._real.body(request))
        return ModelAnswer(text=told["messages"][-1]["content"])


def address(n: int) -> Address:
    return Address("service", "main", f"chat{n}", None, f"user{n}")


async def echo(turn):
    return f"re: {turn.text}"


def held() -> dict[str, object]:
    """What the process holds now."""
    gc.collect()
    give_back_now()  # as the daemon does at rest
    return {
        "tasks": tasks(),
        "files": len(os.listdir("/proc/self/fd")),
        "bytes": resident(),
    }


async def after_long_chats(folder: Path, sessions: int, messages: int) -> dict[str, object]:
    service = Service()
    agent = ModelAgent(Candidates([Candidate(Repeats())], chance=seeded_chance("idle")))
    async with open_gateway(agent, platforms=[service], store=folder / "idle.db") as gateway:
        await gateway.ready()
        found = []
        for count in (2, messages):
            for _ in range(count):
                await service.hear(sessions, "word " * 400, again=True)
            await gateway.at_rest()
            await trio.sleep(1.0)
            found.append(held())
        return {"before": found[0], "after": found[1]}


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
    run = after_long_chats if len(sys.argv) > 3 else main
    print(json.dumps(trio.run(run, Path(sys.argv[1]), *map(int, sys.argv[2:]))))
