"""read: lines of a text file of the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from hermes_trio.ports.arguments import arguments_of, parameters_of
from hermes_trio.ports.tool import ToolContext


class ReadArguments(Struct, forbid_unknown_fields=True):
    """What the model says."""

    path: Annotated[str, Meta(description="of the file, in the workspace: no / before it")]
    first: Annotated[int, Meta(ge=1, description="the first line to read, from 1")] = 1
    lines: Annotated[int, Meta(ge=1, description="how many lines at most, of those that fit")] = 10_000


class Read:
    """Lets the model read a text file of its conversation, in pieces if it is long."""

    name = "read"
    description = "Read a text file of this conversation's workspace, or some lines of it."
    parameters = parameters_of(ReadArguments)
    idempotent = True

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Read it.

        Raises:
            ValueError: an argument is wrong, or there is no such text file.
            OSError: the disk refuses.
        """
        asked = arguments_of(ReadArguments, arguments)
        found = await call.files.read(asked.path, first=asked.first, lines=asked.lines)
        if found.last < found.first:
            return f"The file ends before: it has {found.lines} lines."
        lines = f"{found.first}-{found.last} of {found.lines}"
        told: dict[str, object] = {"text": found.text, "lines": lines}
        if found.cut:
            told["cut"] = f"line {found.last} goes on; `search` finds what stands in it"
        if found.last < found.lines:
            told["more"] = f"read again with first={found.last + 1}"
        return told


tool = Read()
