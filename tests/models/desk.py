"""Scripted models behind pools of keys, and one who asks them."""

from __future__ import annotations

import random

import trio

from hermes_trio.errors import ModelFailed
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.values.identity import Secret
from hermes_trio.values.transcript import ModelAnswer, ModelRequest

REQUEST = ModelRequest(prompt="", entries=())
START = 1_800_000_000.0


class Calendar:
    """Wall time that follows the (mock) clock of the loop."""

    def now(self) -> float:
        return START + trio.current_time()


class Log:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict]] = []

    def info(self, event: str, **fields) -> None:
        self.lines.append((event, fields))

    def warning(self, event: str, **fields) -> None:
        self.lines.append((event, fields))


class Scripted:
    """A model that does, call by call or key by key, what it is told; then it answers."""

    def __init__(self, name="m", script=(), by_key=None, needs_key=True) -> None:
        self.name = name
        self.needs_key = needs_key
        self.script = list(script)
        self.by_key = by_key or {}
        self.keys: list[str] = []

    async def complete(self, request, *, key, on_text):
        self.keys.append(key)
        await trio.lowlevel.checkpoint()
        does = self.script.pop(0) if self.script else self.by_key.get(key, "ok")
        if isinstance(does, ModelAnswer):
            on_text(does.text)
            return does
        if isinstance(does, tuple):
            on_text(does[0])
            does = does[1]
        if isinstance(does, float):
            await trio.sleep(does)
            raise failed("transport")
        if does == "hang":
            await trio.sleep_forever()
        if isinstance(does, ModelFailed):
            raise does
        on_text(f"{does} from {self.name}")
        return ModelAnswer(text=f"{does} from {self.name}")


def failed(kind, **more):
    return ModelFailed(kind, "as told", **more)


class Desk:
    """Candidates with a log, a wall clock, and what a user would see."""

    def __init__(self, *models, keys=("a",), strategy="fill_first", on_exhausted="tell") -> None:
        self.log = Log()
        self.shown: list[str] = []
        self.pools = [
            KeyPool(
                [Secret(key) for key in keys],
                strategy,
                clock=Calendar(),
                chance=random.Random(1),
                log=self.log,
            )
            for _ in models
        ]
        pairs = [
            Candidate(model, pool if model.needs_key else None)
            for model, pool in zip(models, self.pools, strict=True)
        ]
        self.candidates = Candidates(pairs, on_exhausted=on_exhausted, chance=random.Random(2), log=self.log)
        self.walk = self.candidates.walk()

    async def ask(self, walk=None) -> ModelAnswer:
        walk = walk or self.candidates.walk()
        return await walk.complete(REQUEST, self.shown.append, on_restart=self.shown.clear)
