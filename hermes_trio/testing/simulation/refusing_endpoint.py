"""An endpoint that takes no request with certain parts in it, and a model that learns to leave them out.

What is learnt, and how a refusal is read, is the real thing down to the HTTP client, which is none: what
would go over a socket is handed over in memory.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

import trio
from msgspec import Struct

from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.models.providers.quirks import plain_schema
from hermes_trio.testing.record import Record
from hermes_trio.testing.scripted_model import Line
from hermes_trio.testing.simulation.endpoint import Saying, events_of
from hermes_trio.testing.wall_clock import WorldClock
from hermes_trio.values.transcript import ModelAnswer, ModelRequest

if TYPE_CHECKING:
    from hermes_trio.models.providers.streamed_call import Client

URL = "http://endpoint.invalid/v1"

Asked = Mapping[str, Any]


class Part(Struct, frozen=True):
    """A part of a request that some endpoints refuse.

    Args:
        said: how they do.
        is_in: whether a request has it.
        means: other parts that go with it.
    """

    said: str
    is_in: Callable[[Asked], bool]
    means: tuple[str, ...] = ()


def _messages(asked: Asked, holds: Callable[[Asked], bool]) -> bool:
    return any(map(holds, asked["messages"]))


def _rich(asked: Asked) -> bool:
    schemas = [tool["function"]["parameters"] for tool in asked.get("tools", ())]
    return any(schema != plain_schema(schema) for schema in schemas)


PARTS: Mapping[str, Part] = {
    "stream_options": Part("Unknown parameter: 'stream_options'.", lambda asked: "stream_options" in asked),
    "schema": Part("Invalid schema for a function.", _rich),
    "system": Part("System role not supported", lambda asked: asked["messages"][0]["role"] == "system"),
    "reasoning": Part(
        "property 'reasoning_content' is unsupported",
        lambda asked: _messages(asked, lambda one: "reasoning_content" in one),
    ),
    "empty": Part(
        "content must not be empty",
        lambda asked: _messages(asked, lambda one: "tool_calls" in one and one["content"] == ""),
    ),
    "results": Part(
        "Conversation roles must alternate user/assistant/user/assistant/...",
        lambda asked: _messages(asked, lambda one: one["role"] == "tool"),
        means=("reasoning", "empty"),
    ),
}
"""By name. Each has a row in `providers/quirks.py`, whose request means the same without it."""


class Told(Line, frozen=True, kw_only=True):
    """What the endpoint says to a request that it takes."""

    saying: Saying
    request: ModelRequest


class _Call(Struct):
    """A call in flight.

    Args:
        whole: the request with all its parts.
        known: the parts that were found to be refused when it began.
        refused: those it was refused for.
    """

    told: Told
    whole: Asked
    known: frozenset[str]
    refused: set[str]


class RefusingEndpoint:
    """Asks in memory, and says in the record what it refuses and what it misses.

    Args:
        name: of the model.
        refuses: names of parts.
        record: where that is said.
    """

    def __init__(self, name: str, refuses: Collection[str], record: Record) -> None:
        self._name = name
        self._refuses = refuses
        self._record = record
        self._calls: dict[str, _Call] = {}
        self._known: frozenset[str] = frozenset()
        self._asked = 0
        self._model = self._fresh()

    async def complete(self, told: Told, on_text: Callable[[str], None]) -> ModelAnswer:
        """Ask, and be refused until nothing of what is refused is in the request.

        Cancelled: nothing is learnt.
        """
        self._asked += 1
        ticket = f"call-{self._asked}"  # stands where a key does: so the endpoint knows which call it is
        call = _Call(told, self._whole(told.request), self._known, set())
        self._calls[ticket] = call
        try:
            answer = await self._model.complete(told.request, key=ticket, on_text=on_text)
        finally:
            del self._calls[ticket]
        self._known |= call.refused
        return answer

    async def ask(self, url: str, content: bytes, headers: Mapping[str, str]) -> _Answer:
        """As an HTTP client."""
        await trio.lowlevel.checkpoint()
        call, asked = self._calls[headers["authorization"].removeprefix("Bearer ")], json.loads(content)
        for name in PARTS:
            if name in self._refuses and PARTS[name].is_in(asked):
                again = name in call.known or name in call.refused
                self._record.add("model", "refuses a part", model=self._name, part=name, again=again)
                call.refused.add(name)
                error = {"message": PARTS[name].said, "type": "invalid_request_error"}
                return _Answer(400, _at_once(json.dumps({"error": error}).encode()))
        if missing := list(self._missing(call.whole, asked)):
            self._record.add("model", "misses parts", model=self._name, parts=missing)
        return _Answer(200, _streamed(call.told))

    def _missing(self, whole: Asked, asked: Asked) -> Iterator[str]:
        left_out = {*self._refuses, *(more for name in self._refuses for more in PARTS[name].means)}
        for name, part in PARTS.items():
            if name not in left_out and part.is_in(whole) and not part.is_in(asked):
                yield name

    def _whole(self, request: ModelRequest) -> Asked:
        model = self._fresh()
        model.endpoint.quirks = ()  # whatever others have learnt
        whole: Asked = json.loads(model.body(request))
        return whole

    def _fresh(self) -> OpenAIModel:
        return OpenAIModel(
            cast("Client", self),
            URL,
            self._name,
            first_byte_s=float("inf"),
            between_bytes_s=float("inf"),
            clock=WorldClock(),
        )


class _Answer(Struct, frozen=True):
    """As `Client.ask` gives it."""

    status: int
    body: AsyncGenerator[bytes]
    headers: Mapping[str, str] = {}


async def _at_once(body: bytes) -> AsyncGenerator[bytes]:
    yield body


async def _streamed(told: Told) -> AsyncGenerator[bytes]:
    await trio.sleep(told.after_s)
    for data in events_of(told.saying):
        yield f"data: {data}\n\n".encode()
        await trio.sleep(told.between_s)
