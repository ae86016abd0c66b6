"""write: a text file of the conversation, anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from hermes_trio.ports.arguments import arguments_of, parameters_of
from hermes_trio.ports.tool import ToolContext


class WriteArguments(Struct, forbid_unknown_fields=True):
    """What the model says."""

    path: Annotated[str, Meta(description="of the file, in the workspace: no / before it")]
    text: Annotated[str, Meta(description="all that the file is to hold")]


class Write:
    """Lets the model write a text file of its conversation. What stood in it is gone."""

    name = "write"
    description = (
        "Write a text file of this conversation's workspace, with the folders that lead to it. What stood in"
        " the file is gone; use `edit` to change a part."
    )
    parameters = parameters_of(WriteArguments)
    idempotent = True

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> str:
        """Write it.

        Raises:
            ValueError: an argument is wrong, or the workspace is full.
            PermissionError: the folder is mounted for reading only.
            OSError: the disk refuses.
        """
        asked = arguments_of(WriteArguments, arguments)
        return f"Written: {await call.files.write(asked.path, asked.text)} bytes."


tool = Write()
