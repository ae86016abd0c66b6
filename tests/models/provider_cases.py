"""Both providers behind one face, so that each promise of the Model port is tested on both."""

from __future__ import annotations

from hermes_trio.models.providers.anthropic import AnthropicModel
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.values.transcript import ModelRequest, UserEntry
from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.openai_server import OpenAIFake

HELLO = ModelRequest(prompt="be kind", entries=(UserEntry("hello"),))


class Calendar:
    """A wall clock that stands still until it is moved."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time


class Side:
    """A provider's fake and our model of it."""

    def __init__(self, name: str, client, **waits) -> None:
        self.fake = OpenAIFake() if name == "openai" else AnthropicFake()
        self._model = OpenAIModel if name == "openai" else AnthropicModel
        self._client = client
        self._waits = {"first_byte_s": 3.0, "between_bytes_s": 3.0} | waits
        self.url = ""
        self.said: list[str] = []

    async def ask(self, request: ModelRequest = HELLO, *, key: str = "sk-test", **waits):
        base = f"{self.url}/v1" if self._model is OpenAIModel else self.url
        model = self._model(self._client, base, "some-model", clock=Calendar(), **(self._waits | waits))
        return await model.complete(request, key=key, on_text=self.said.append)
