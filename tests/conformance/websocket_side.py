"""Clients of the websocket that know nothing of ours but the protocol, under trial of `check_platform`."""

from __future__ import annotations

import json
import random
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from hermes_websocket import Options, Websocket
from trio_websocket import ConnectionClosed, HandshakeError, wrap_client_stream

from hermes_trio.testing import Service
from hermes_trio.values.identity import Address


class Client:
    """A client that comes back for ever, and says again what was not accepted."""

    def __init__(self, side: WebsocketSide, name: str) -> None:
        self.name, self._side = name, side
        self.ws = None
        self.line = trio.CancelScope()
        self.shown: dict[str, dict] = {}
        self.accepted = 0
        self._waiting: dict[str, dict] = {}
        self._said = 0
        self._keys: set[str] = set()
        self._held: list[dict] = []
        self.changed = trio.Event()

    async def live(self):
        while True:
            await self._side.online.wait()
            with suppress(OSError, ValueError):
                port, host = (self._side.folder / "websocket.port").read_text().split()
                async with await trio.open_tcp_stream(host, int(port)) as stream:
                    await self._connect(stream, host)
            self.ws = None
            self._tell()
            await trio.sleep(0.005)

    async def _connect(self, stream, host):
        async with trio.open_nursery() as nursery:
            self.line = nursery.cancel_scope
            with suppress(ConnectionClosed, HandshakeError):
                ws = await wrap_client_stream(nursery, stream, host, "/")
                await self._converse(ws)
            nursery.cancel_scope.cancel()

    async def say(self, frame):
        self._said += 1
        frame |= {"id": f"m{self._said}"}
        self._waiting[frame["id"]] = frame
        if self.ws is not None:
            with suppress(ConnectionClosed):
                await self.ws.send_message(json.dumps(frame))

    async def confirm_held(self):
        for frame in self._held:
            with suppress(ConnectionClosed):
                await self._show(frame)
        self._held.clear()

    async def _converse(self, ws):
        token = (self._side.folder / "websocket.token").read_text().strip()
        await ws.send_message(json.dumps({"type": "hello", "token": token, "client": self.name}))
        while True:
            frame = json.loads(await ws.get_message())
            match frame["type"]:
                case "welcome":
                    self.ws = ws
                    for waiting in list(self._waiting.values()):
                        await ws.send_message(json.dumps(waiting))
                case "accepted":
                    self.accepted += 1
                    del self._waiting[frame["id"]]
                case "send" | "edit" | "delete" if self._side.holding:
                    self._held.append(frame)
                case "send" | "edit" | "delete":
                    await self._show(frame)
            self._tell()

    async def _show(self, frame):
        if frame["type"] == "delete":
            self.shown.pop(frame["id"], None)
        elif frame["type"] == "edit":
            self.shown[frame["id"]] |= frame
        elif frame["key"] not in self._keys:
            self.shown[frame["id"]] = frame
        self._keys.add(frame["key"])
        await self.ws.send_message(json.dumps({"type": "receipt", "id": frame["key"]}))

    async def until(self, holds):
        while not holds():
            await self.changed.wait()

    def _tell(self):
        self.changed.set()
        self.changed = trio.Event()

    @property
    def is_holding(self):
        return bool(self._held)


class WebsocketSide(Service):
    """Two clients of a state_dir; one has two conversations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.online = trio.Event()
        self.online.set()
        self.holding = False
        self.clients = {name: Client(self, name) for name in ("desk", "phone")}
        self.places = [
            Address("websocket", "main", "desk", None, "local"),
            Address("websocket", "main", "phone", None, "local"),
            Address("websocket", "main", "desk", "garden", "local"),
        ]

    async def push(self, text, place):
        chat = {"chat": place.thread} if place.thread else {}
        await self.clients[place.chat].say({"type": "message", "text": text} | chat)

    async def shown(self, place):
        shown = self.clients[place.chat].shown.values()
        return [frame["text"] for frame in shown if frame.get("chat") == place.thread]

    async def reached(self):
        """Each has a connection, and the other end of it lives."""
        for client in self.clients.values():
            while True:
                await client.until(lambda: client.ws)  # noqa: B023
                with suppress(ConnectionClosed):
                    await client.ws.ping()
                    break
                await client.until(lambda: client.ws is None)  # noqa: B023

    async def confirmed(self):
        return sum(client.accepted for client in self.clients.values())

    async def press(self, place, label):
        client = self.clients[place.chat]
        [*_, frame] = client.shown.values()
        [token] = [token for token, shown in frame["choices"] if shown == label]
        await client.say({"type": "press", "choice": token})

    async def hold(self):
        self.holding = True

    async def held(self):
        await self.clients["desk"].until(lambda: self.clients["desk"].is_holding)

    async def release(self):
        self.holding = False
        await self.clients["desk"].confirm_held()

    async def disconnect(self):
        self.online = trio.Event()
        for client in self.clients.values():
            if client.ws is not None:
                client.line.cancel()
                await client.until(lambda: client.ws is None)  # noqa: B023

    async def connect(self):
        self.online.set()

    async def refuse_account(self):
        """Somebody made the token readable for all."""
        (self.folder / "websocket.token").write_text("x" * 64)
        (self.folder / "websocket.token").chmod(0o644)


@asynccontextmanager
async def websocket_side():
    with TemporaryDirectory() as folder:
        async with trio.open_nursery() as nursery:
            side = WebsocketSide(Path(folder))
            for client in side.clients.values():
                nursery.start_soon(client.live)
            yield side
            nursery.cancel_scope.cancel()


def listening(side):
    """The adapter on the side's state_dir."""
    return Websocket(Options(), state_dir=side.folder, chance=random.Random(1))
