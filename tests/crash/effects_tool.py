"""Tools with an effect, for a daemon that is about to be killed: copied to where only that daemon finds them.

Each run appends one line to the file $EFFECTS and syncs it. Where it is with that it tells whoever listens on
$EFFECTS_PORT, once before the effect and once after it, and waits for an answer each time.
"""

from __future__ import annotations

import json
import os
import time

import trio


class Effect:
    """Appends a line that says who ran it."""

    def __init__(self, name: str, *, idempotent: bool) -> None:
        self.name = name
        self.idempotent = idempotent
        self.parameters = {
            "type": "object",
            "properties": {"what": {"type": "string"}},
            "required": ["what"],
        }
        self.description = f"{name.capitalize()} something."

    async def run(self, arguments, call) -> str:
        what = arguments["what"]
        await self._tell("before", what)
        line = {"op": call.op, "tool": self.name, "what": what, "pid": os.getpid(), "chat": call.address.chat}
        file = os.open(os.environ["EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, json.dumps(line).encode() + b"\n")
            os.fsync(file)
        finally:
            os.close(file)
        await self._tell("after", what)
        return f"{self.name} {what}: done"

    async def _tell(self, moment: str, what: str) -> None:
        async with await trio.open_tcp_stream("127.0.0.1", int(os.environ["EFFECTS_PORT"])) as stream:
            await stream.send_all(json.dumps([moment, what]).encode() + b"\n")
            await stream.receive_some(1)


class Wedge(Effect):
    """Blocks the thread of the loop, for good, a second after it began."""

    async def run(self, arguments, call) -> str:
        await trio.sleep(1)
        await super().run(arguments, call)
        time.sleep(3600)  # noqa: ASYNC251 - this is what it is for
        return "never"


charge = Effect("charge", idempotent=False)
renew = Effect("renew", idempotent=True)
wedge = Wedge("wedge", idempotent=True)
