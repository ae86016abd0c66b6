"""What a fake model provider does, call by call: scripted from a test, or over HTTP from another process.

Control endpoints, beside the provider's own:
    POST /_control   {"push": [item...], "default": item, "keys": {KEY: item}, "release": true}, any of these
    GET  /_log       {"calls": [...], "held": n, "in_flight": n, "most_in_flight": n}
    GET  /_held      returns when a call is held (?count=n for more than one), 504 after ?wait_s= (10)
An item is a JSON object with the fields of `Item`.
"""

from __future__ import annotations

import argparse
import json
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

import msgspec
import trio
from msgspec import Struct

from tests.fakes.http_server import Counts, HangUp, Raw, Request, Response, Send, serve_http


class Call(Struct, array_like=True):
    """A tool call of the fake model's answer."""

    name: str
    arguments: str = "{}"


class Item(Struct, forbid_unknown_fields=True):
    """What one call gets.

    Args:
        text: the answer, streamed in pieces of `piece` characters.
        pieces: the answer in exactly these pieces, instead.
        calls: tool calls that follow the text.
        echo: add "you said: " and the last user text.
        finish: the reason the answer ended, in the provider's words; by default what fits.
        end: False: the stream ends without its end event. With calls, they are left half said.
        cut: hang up in place of the end.
        cached, kept: tokens of the request that were read from the provider's cache, and written to it.
        hold: -1: nothing is held; 0: nothing is sent until the call is released; n: held after n pieces.
        delay_ms, gap_ms: before the head, between pieces.
        status, headers, body: a refusal (or any JSON answer) instead.
        raw: send these bytes instead of HTTP.
        events: stream these, as they stand, instead of the protocol's own.
    """

    text: str = ""
    pieces: list[str] = []
    piece: int = 8
    calls: list[Call] = []
    echo: bool = False
    finish: str = ""
    end: bool = True
    cut: bool = False
    cached: int = 0
    kept: int = 0
    hold: int = -1
    delay_ms: float = 0
    gap_ms: float = 0
    status: int = 200
    headers: dict[str, str] = {}
    body: Any = None
    raw: str = ""
    events: list[bytes] = []


class Called(Struct):
    """What came in. `became`: "held", "answered", "refused", "cut", "gone", or "" while it runs."""

    key: str
    model: str
    messages: list[Any]
    body: dict[str, Any]
    at: float
    became: str = ""


class Control(Struct, forbid_unknown_fields=True):
    """What /_control takes."""

    push: list[Item] = []
    default: Item | None = None
    keys: dict[str, Item] = {}
    release: bool = False


class Refused(Exception):
    """The provider would refuse this request."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class ModelFake(ABC):
    """A provider. Subclasses know its words."""

    path: str

    def __init__(self, default: Item | None = None) -> None:
        self.default = default or Item(echo=True)
        self.script: deque[Item] = deque()
        self.by_key: dict[str, Item] = {}
        self.calls: list[Called] = []
        self.counts = Counts()
        self.held = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self._holds: list[trio.Event] = []
        self._now_held = trio.Event()

    @abstractmethod
    def check(self, request: Request, body: dict[str, Any]) -> str:
        """Return the key; raise Refused for what the provider would refuse."""

    @abstractmethod
    def refusal(self, error: Refused) -> Any:
        """The JSON of a refusal."""

    @abstractmethod
    def said(self, body: dict[str, Any]) -> str:
        """The last text of the user."""

    @abstractmethod
    def head(self, body: dict[str, Any]) -> bytes:
        """Events before the text."""

    @abstractmethod
    def piece(self, text: str) -> bytes:
        """Events that say a piece of text."""

    @abstractmethod
    def call(self, position: int, call: Call, *, whole: bool) -> bytes:
        """Events that say a tool call, or only begin it."""

    @abstractmethod
    def end(self, item: Item) -> bytes:
        """The end events."""

    def push(self, *items: Item) -> None:
        """Add to the script. Each item serves one call; then `default` serves."""
        self.script.extend(items)

    def release(self) -> None:
        """Let all held calls go on."""
        for hold in self._holds:
            hold.set()
        self._holds.clear()

    async def until_held(self, count: int = 1, within_s: float = 5.0) -> None:
        """Return when so many calls are held."""
        with trio.fail_after(within_s):
            while self.held < count:
                await self._now_held.wait()

    async def serve(self, *, port: int = 0, task_status: trio.TaskStatus[str]) -> None:
        """Serve; started with the base url."""
        await serve_http(self.handle, port=port, counts=self.counts, task_status=task_status)

    async def handle(self, request: Request) -> Response | Raw:
        """One request."""
        if request.path.startswith("/_"):
            return await self._control(request)
        if request.path != self.path:
            return Response.json({"error": {"message": f"no such path: {request.path}"}}, 404)
        body = request.json()
        try:
            key = self.check(request, body)
        except Refused as error:
            self.calls.append(Called("", "", body.get("messages", []), body, trio.current_time(), "refused"))
            return Response.json(self.refusal(error), error.status)
        called = Called(key, body["model"], body["messages"], body, trio.current_time())
        self.calls.append(called)
        item = self.by_key.get(key) or (self.script.popleft() if self.script else self.default)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._answer(request, item, called)
        except BaseException:
            self._over(called, "gone")
            raise

    async def _answer(self, request: Request, item: Item, called: Called) -> Response | Raw:
        if item.hold == 0:
            await self._hold(request, called)
        if item.delay_ms:
            await trio.sleep(item.delay_ms / 1000)
        if item.raw or item.status != 200 or item.body is not None:
            self._over(called, "refused")
            return Raw(item.raw.encode()) if item.raw else Response.json(item.body, item.status, item.headers)
        steps = self._steps(item, called)
        heads = {"content-type": "text/event-stream; charset=utf-8"} | item.headers
        if item.hold < 1 and not item.gap_ms and not item.cut:
            self._over(called, "answered")
            return Response(200, heads, b"".join(steps))

        async def stream(send: Send) -> None:
            try:
                await self._stream(send, request, item, called, steps)
            except BaseException:
                self._over(called, "gone")
                raise

        return Response(200, heads, stream)

    async def _stream(
        self, send: Send, request: Request, item: Item, called: Called, steps: list[bytes]
    ) -> None:
        for number, step in enumerate(steps):
            if number == item.hold:
                await self._hold(request, called)
            await send(step)
            await trio.sleep(item.gap_ms / 1000)
        self._over(called, "cut" if item.cut else "answered")
        if item.cut:
            raise HangUp

    def _steps(self, item: Item, called: Called) -> list[bytes]:
        if item.events:
            return item.events
        text = item.text + (f"you said: {self.said(called.body)}" if item.echo else "")
        size = max(1, item.piece)
        pieces = item.pieces or [text[at : at + size] for at in range(0, len(text), size)]
        whole = item.end and not item.cut
        steps = [self.head(called.body)]
        steps += [self.piece(piece) for piece in pieces]
        steps += [self.call(position, call, whole=whole) for position, call in enumerate(item.calls)]
        return [*steps, self.end(item)] if whole else steps

    async def _hold(self, request: Request, called: Called) -> None:
        hold = trio.Event()
        self._holds.append(hold)
        called.became = "held"
        self.held += 1
        self._now_held.set()
        self._now_held = trio.Event()
        try:
            await request.unless_gone(hold.wait)
        finally:
            self.held -= 1
        called.became = ""

    def _over(self, called: Called, became: str) -> None:
        if called.became in ("", "held"):
            called.became = became
            self.in_flight -= 1

    async def _control(self, request: Request) -> Response:
        if request.path == "/_control":
            control = msgspec.json.decode(request.body, type=Control)
            self.push(*control.push)
            self.default = control.default or self.default
            self.by_key.update(control.keys)
            if control.release:
                self.release()
        elif request.path == "/_held":
            try:
                wait_s = float(request.query.get("wait_s", "10"))
                await self.until_held(int(request.query.get("count", "1")), wait_s)
            except trio.TooSlowError:
                return Response.json({"held": self.held}, 504)
        elif request.path != "/_log":
            return Response.json({"error": "no such path"}, 404)
        return Response.json(
            {"calls": self.calls, "held": self.held, "in_flight": self.in_flight}
            | {"most_in_flight": self.most_in_flight}
        )


def event(data: Any, kind: str = "") -> bytes:
    """One event of an event stream."""
    name = f"event: {kind}\n".encode() if kind else b""
    try:
        return b"%bdata: %b\n\n" % (name, msgspec.json.encode(data))
    except UnicodeEncodeError:  # lone surrogates: the standard library escapes them, as some providers do
        return b"%bdata: %b\n\n" % (name, json.dumps(data).encode())


def main(fake: type[ModelFake]) -> None:
    """Run a fake as a process: prints its url, serves until it is killed."""
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--delay-ms", type=float, default=0)
    options.add_argument("--gap-ms", type=float, default=0)
    options.add_argument("--piece", type=int, default=8)
    options.add_argument("--text", default="", help="the answer; by default what was said")
    given = options.parse_args()
    item = Item(text=given.text, echo=not given.text, piece=given.piece)
    item.delay_ms, item.gap_ms = given.delay_ms, given.gap_ms

    async def run() -> None:
        async with trio.open_nursery() as nursery:

            async def serve(task_status: trio.TaskStatus[str]) -> None:
                await fake(item).serve(port=given.port, task_status=task_status)

            print(await nursery.start(serve), flush=True)

    trio.run(run)
