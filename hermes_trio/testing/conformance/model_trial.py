"""What the clauses of `check_model` are looked at with."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from hermes_trio.errors import ModelFailed
from hermes_trio.ports.model import Model
from hermes_trio.testing.conformance.clauses import Unlike, expect
from hermes_trio.testing.conformance.model_provider import Provider
from hermes_trio.values.transcript import ModelAnswer, ModelRequest, ToolSpec, UserEntry

HELLO, SAID = "hello", ("you ", "said: ", "hello")


class ModelTrial:
    """What a clause of the Model port is looked at with.

    Attributes:
        said: the pieces that `on_text` was called with, by the call that is made last.
    """

    def __init__(self, provider: Provider, model: Model) -> None:
        self.provider = provider
        self.model = model
        self.said: list[str] = []

    async def ask(self, text: str = HELLO, **more: Any) -> ModelAnswer:
        """Call the model with what a user said."""
        said: list[str] = []
        self.said = said
        request = ModelRequest(prompt="be kind", entries=(UserEntry(text),), **more)
        return await self.complete(request, said.append)

    async def complete(self, request: ModelRequest, on_text: Callable[[str], None]) -> ModelAnswer:
        """Call the model."""
        key = self.provider.key if self.model.needs_key else ""
        return await self.model.complete(request, key=key, on_text=on_text)

    async def failure(self) -> ModelFailed:
        """The error of a call that has to fail. Anything but a ModelFailed breaks the clause."""
        try:
            answer = await self.ask()
        except ModelFailed as error:
            told = "".join(traceback.format_exception(error))
            expect(
                not self.provider.key or self.provider.key not in told, "no error shows the key", str(error)
            )
            return error
        raise Unlike("the call fails with ModelFailed", answer)


async def works(trial: ModelTrial) -> None:
    """A call is answered as it should be."""
    await trial.provider.answer(*SAID)
    answer = await trial.ask()
    expect(answer.text == "".join(SAID), "the next call is answered", answer)


def tools() -> tuple[ToolSpec, ...]:
    """Two, without arguments."""
    empty = {"type": "object", "properties": {}}
    return ToolSpec("now", "the time", empty), ToolSpec("add", "a sum", empty)
