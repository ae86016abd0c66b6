import random

import pytest
import trio
from hermes_websocket import Options, Websocket
from hermes_websocket.door import find_door
from trio_websocket import open_websocket

from hermes_trio.values.delivery import Delivery, Part
from hermes_trio.values.identity import Address
from tests.heard_intake import HeardIntake


class Served:
    """A platform that listens, and how to reach it."""

    def __init__(self, platform, intake, state_dir):
        self.platform, self.intake, self.state_dir = platform, intake, state_dir
        self.host, self.port, token = find_door(state_dir)
        self.token = token.reveal()

    @property
    def url(self):
        return f"ws://{self.host}:{self.port}/"

    def raw(self):
        """A connection of the trio-websocket library, without a hello."""
        return open_websocket(self.host, self.port, "/", use_ssl=False)

    def hello(self, client="desk", **more):
        return {"type": "hello", "token": self.token, "client": client, **more}


@pytest.fixture
async def served(tmp_path, nursery):
    platform = Websocket(Options(), state_dir=tmp_path, chance=random.Random(1))
    intake = HeardIntake()
    scope, stopped = trio.CancelScope(), trio.Event()

    async def serve():
        with scope:
            await platform.serve(intake)
        stopped.set()

    async def stop():
        scope.cancel()
        await stopped.wait()

    async with platform.open():
        nursery.start_soon(serve, name="serve")
        await intake.until(lambda: intake.cycles)
        made = Served(platform, intake, tmp_path)
        made.stop_serving = stop
        yield made
    assert intake.failures == []


def delivery(text="", op="send", *, client="desk", thread=None, **more):
    part = None if op in ("delete", "typing") else (text if isinstance(text, Part) else Part(text))
    return Delivery(op=op, address=Address("websocket", "main", client, thread, "local"), part=part, **more)
