"""No foreign text holds the loop for more than 50 ms: a whole gateway is fed the longest of each kind.

What is measured is the CPU time of one step of one task, so that a machine with others to serve too changes
little; what is too long once may be so by chance, and comes again.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import trio

from hermes_trio import ModelAgent, open_gateway
from hermes_trio.http.client import open_http_client
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.runtime.splitting import SHORT
from hermes_trio.testing import MemoryPlatform
from hermes_trio.values.identity import Secret
from tests.fakes.model_script import Call, Item
from tests.fakes.openai_server import OpenAIFake
from tests.foreign.test_markdown_cost import HOSTILE

HOLD_S = 0.05
ANSWER = 990_000
RESULT = 100_000
SECRET = "sk_live_very_secret_key_4f9a7b"
WITHIN_S = 60
GATEWAY = "the gateway under test"


class Longest(trio.abc.Instrument):
    """The longest step of the gateway's tasks since the last look, in seconds of CPU, and whose it was."""

    def __init__(self) -> None:
        self._began = 0.0
        self._longest = (0.0, "")

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._began = time.thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        took = time.thread_time() - self._began
        if took > self._longest[0] and _is_within(task):
            self._longest = (took, task.name)

    def look(self) -> tuple[float, str]:
        longest, self._longest = self._longest, (0.0, "")
        return longest


def _is_within(task: trio.lowlevel.Task | None) -> bool:
    while task is not None and task.name != GATEWAY:
        task = task.parent_nursery.parent_task if task.parent_nursery is not None else None
    return task is not None


class Gives:
    """A tool whose result is as long as it may be."""

    name = "gives"
    description = "Give much."
    parameters: Mapping[str, Any] = {"type": "object"}
    idempotent = True

    async def run(self, arguments, call):
        match arguments.get("what"):
            case "escapes":
                return "%41&amp;" * (RESULT // 8)
            case "a secret among many words":
                return [*("word" for _ in range(RESULT)), f"the key: {SECRET}"]
            case "lists":
                return [{"n": n} for n in range(RESULT // 8)]
            case "an error":
                raise ValueError("why " * RESULT)
            case kind:
                return HOSTILE[kind](RESULT) if kind in HOSTILE else "well"


def says(text: str, *, piece: int = 60_000) -> tuple[Item, ...]:
    return (Item(text=text, piece=piece),)


def calls(**arguments: object) -> tuple[Item, ...]:
    return Item(calls=[Call("gives", msgspec.json.encode(arguments).decode())]), Item(text="Done.")


INPUTS: dict[str, Callable[[], tuple[Item, ...]]] = {
    "brackets that are split in the loop": lambda: says(HOSTILE["links"](SHORT)),
    "items that are split in the loop": lambda: says(HOSTILE["items"](SHORT)),
    "headings that are split in the loop": lambda: says(HOSTILE["headings"](SHORT)),
    "a long answer in prose": lambda: says(HOSTILE["prose"](ANSWER)),
    "a long answer of one word": lambda: says("x" * ANSWER),
    "a long answer of flags": lambda: says(HOSTILE["flags"](ANSWER)),
    "a long answer that shows nothing": lambda: says(" " * ANSWER) + says("In short.") + says("Done."),
    "a long answer of percents": lambda: says("%41" * (ANSWER // 3)),
    "a long answer of entities": lambda: says("&amp; " * (ANSWER // 6)),
    "a long answer of backslashes": lambda: says("\\" * (ANSWER // 2)),
    "a long answer of code": lambda: says('if (a) {\n\t"x\\n"\n}\n' * (ANSWER // 20)),
    "a long answer with a secret": lambda: says(("word " * 20_000 + SECRET) * 9),
    "a long answer of secrets": lambda: says(f"{SECRET} " * (ANSWER // 32)),
    "an answer in crumbs": lambda: says("x" * 100_000, piece=1),
    "a long call": lambda: calls(x="z" * 250_000),
    "a call of lists": lambda: calls(x=[[]] * 45_000),
    "a long result of brackets": lambda: calls(what="brackets"),
    "a long result of escapes": lambda: calls(what="escapes"),
    "a long result with a secret": lambda: calls(what="a secret among many words"),
    "a long result of flags": lambda: calls(what="flags"),
    "a long result of lists": lambda: calls(what="lists"),
    "a long failure": lambda: calls(what="an error"),
    "a long refusal": lambda: (
        Item(status=400, body={"error": {"message": "sk-a exceeds " * 4_900}}),
        Item(),
    ),
}


@asynccontextmanager
async def conversation(nursery):
    """A gateway with a redactor and a model over HTTP; yields how to feed it."""
    model, platform = OpenAIFake(Item(text="Over.")), MemoryPlatform()
    secret, clock, chance = Secret(SECRET), SystemClock(), random.Random(1)
    url = await nursery.start(model.serve)

    async def gateway(task_status):
        async with open_http_client(connect_s=5, read_s=None) as client:
            asked = OpenAIModel(client, f"{url}/v1", "m", first_byte_s=30, between_bytes_s=30, clock=clock)
            keys = KeyPool([secret], clock=clock, chance=chance)
            agent = ModelAgent(Candidates([Candidate(asked, keys)], chance=chance), tools=[Gives()])
            redact = Redactor([secret])
            async with open_gateway(agent, platforms=[platform], store=":memory:", redact=redact) as opened:
                await opened.ready()
                task_status.started()
                await trio.sleep_forever()

    await nursery.start(gateway, name=GATEWAY)

    async def feed(chat, items):
        model.calls.clear()
        model.script.clear()
        model.push(*items)
        with trio.fail_after(WITHIN_S):
            platform.push(platform.message(chat, "hi"))
            while not any(seen.said in ("final", "notice") for seen in platform.seen.values()):
                await platform.changed()
            # Said behind all that the first one gave.
            platform.push(platform.message(chat, "and now?"))
            while not any(seen.text == "Over." for seen in platform.seen.values()):
                await platform.changed()
        platform.seen.clear()
        platform.calls.clear()

    yield feed
    nursery.cancel_scope.cancel()


async def test_the_longest_of_each_kind():
    longest, held = Longest(), {}
    trio.lowlevel.add_instrument(longest)
    gc.disable()  # what a collection costs depends on what else this process has
    try:
        async with trio.open_nursery() as nursery, conversation(nursery) as feed:
            for name, make in INPUTS.items():
                for attempt in ("at first", "once more"):
                    longest.look()
                    await feed(f"{name}, {attempt}", make())
                    held[name] = longest.look()
                    if held[name][0] <= HOLD_S:
                        break

    finally:
        gc.enable()
        trio.lowlevel.remove_instrument(longest)
    assert {name: took for name, took in held.items() if took[0] > HOLD_S} == {}
