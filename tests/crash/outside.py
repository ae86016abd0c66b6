"""What the daemon under test talks to: a Telegram that knows what it handed over, a model that obliges."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import trio

from tests.fakes.botapi import FakeBotApi
from tests.fakes.http_server import Counts, Handler, Raw, Request, Response, serve_http
from tests.fakes.model_script import Call, Called, Item
from tests.fakes.openai_server import OpenAIFake

TOOLS = ("charge ", "renew ", "wedge ", "sleep ", "run ")

Tick = Callable[[], None]
"""Called whenever the world sees something of the daemon, before and after it reacts."""

_caller: ContextVar[str] = ContextVar("caller", default="")


async def door(handle: Handler, caller: str, counts: Counts, *, task_status: trio.TaskStatus[str]) -> None:
    """Another port of a fake: whoever comes to it is this caller. Serves until cancelled, as `serve_http`."""

    async def heard(request: Request) -> Response | Raw:
        _caller.set(caller)
        return await handle(request)

    await serve_http(heard, counts=counts, task_status=task_status)


class Telegram(FakeBotApi):
    """The fake Bot API.

    Attributes:
        handed: which message each update was.
        callers: for each of `calls` by which door it came.
    """

    def __init__(self, tick: Tick) -> None:
        super().__init__()
        self.handed: dict[int, str] = {}
        self.callers: list[str] = []
        self._tick = tick

    def _record(self, method: str, params: dict[str, Any]) -> None:
        super()._record(method, params)
        self.callers.append(_caller.get())

    def push_update(self, update: dict[str, Any], *, history: tuple[int, int] | None = None) -> int:
        number = super().push_update(update, history=history)
        if message := update.get("message"):
            self.handed[number] = f"{message['chat']['id']}/{message['message_id']}"
        return number

    async def handle(self, request: Request) -> Response:
        self._tick()
        response = await super().handle(request)
        self._tick()
        return response


class Model(OpenAIFake):
    """Does as it is told: "charge a; renew b; hello" calls two tools, one after the other, then echoes.

    "run sleep 9" leaves that running. "many a" is answered in three parts, each as long as a message may be.

    Attributes:
        pace_ms: how long it thinks.
        gap_ms: between two pieces of an answer.
        holds: for each of the next answers after how many pieces it is held; -1: not.
        overlapping: calls that came while another one of the same conversation was in flight. The
            conversation is told by its first user text.
    """

    def __init__(self, tick: Tick) -> None:
        super().__init__()
        self.pace_ms = 0
        self.gap_ms = 0
        self.holds: list[int] = []
        self.overlapping: list[tuple[Called, Called]] = []
        self._callers: dict[int, str] = {}
        self._tick = tick

    def caller(self, called: Called) -> str:
        """By which door it came."""
        return self._callers[id(called)]

    async def handle(self, request: Request) -> Response | Raw:
        self._tick()
        response = await super().handle(request)
        self._tick()
        return response

    async def _answer(self, request: Request, item: Item, called: Called) -> Response | Raw:
        self._callers[id(called)] = _caller.get()
        mine = users(called)[0]
        for other in self.calls:
            if other is not called and other.became in ("", "held") and users(other)[0] == mine:
                self.overlapping.append((other, called))
        if item is self.default and item.echo:
            item = obliging(called, self.pace_ms)
            item.gap_ms = self.gap_ms
            item.hold = self.holds.pop(0) if self.holds else -1
        return await super()._answer(request, item, called)


def obliging(called: Called, pace_ms: float = 0) -> Item:
    """The next thing to do for what was said last: a tool call, or the answer."""
    messages = called.messages
    last = max(at for at, message in enumerate(messages) if message["role"] == "user")
    said = paragraphs(messages[last])[-1]
    results = [message["content"] for message in messages[last:] if message["role"] == "tool"]
    actions = [action for action in said.split("; ") if action.startswith(TOOLS)]
    if len(results) < len(actions):
        name, _, what = actions[len(results)].partition(" ")
        if name == "run":
            started = {"action": "start", "command": what, "notify_on_complete": False}
            return Item(calls=[Call("process", json.dumps(started))], delay_ms=pace_ms)
        arguments = {"s": float(what)} if name == "sleep" else {"what": what}
        return Item(calls=[Call(name, json.dumps(arguments))], delay_ms=pace_ms)
    answer = "; ".join([f"you said: {said}", *results])
    if said.startswith("many "):
        answer = "\n\n".join([f"{answer}; {'a' * 4000}", "b" * 4000, "c" * 4000])
    return Item(text=answer, delay_ms=pace_ms)


def users(called: Called) -> list[str]:
    """What the people said, as the model was shown it; what the gateway says of it aside."""
    said = [text for message in called.messages if message["role"] == "user" for text in paragraphs(message)]
    return [text for text in said if text]


def paragraphs(message: dict[str, Any]) -> list[str]:
    """What was said on end: what the gateway says of it, or by itself, is left out."""
    return [re.sub("⟦[^⟧]*⟧ ?", "", text) for text in message["content"].split("\n\n")]
