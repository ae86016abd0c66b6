"""A tool whose effect can be counted: each run appends a line to the file $STAMPS."""

from __future__ import annotations

import os
import time

import trio


class Stamp:
    """Appends who ran it and when. Running it twice would be twice, so it says that it is not idempotent."""

    name = "stamp"
    description = "Append a line to the stamps."
    idempotent = False

    def __init__(self) -> None:
        self.parameters = {
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
        }

    async def run(self, arguments, call) -> str:
        async with await trio.open_file(os.environ["STAMPS"], "a") as file:
            await file.write(f"{arguments['text']} {os.getpid()} {time.time()}\n")
        return "stamped"


stamp = Stamp()
