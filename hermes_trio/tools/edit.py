"""edit: replace a text that stands in a file of the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from hermes_trio.ports.arguments import arguments_of, parameters_of
from hermes_trio.ports.tool import ToolContext


class EditArguments(Struct, forbid_unknown_fields=True):
    """What the model says."""

    path: Annotated[str, Meta(description="of the file, in the workspace: no / before it")]
    old: Annotated[str, Meta(description="the text to replace, exactly as it stands in the file")]
    new: Annotated[str, Meta(description="what shall stand there instead")]
    every: Annotated[bool, Meta(description="wherever it stands; else it must stand there once")] = False


class Edit:
    """Lets the model change a part of a text file of its conversation."""

    name = "edit"
    description = (
        "Replace a text in a file of this conversation's workspace. `old` must stand in the file exactly so,"
        " and once unless `every` is true."
    )
    parameters = parameters_of(EditArguments)
    idempotent = False

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> str:
        """Edit it.

        Raises:
            ValueError: an argument is wrong, the text is not there or more than once, the workspace is full.
            PermissionError: the folder is mounted for reading only.
            OSError: the disk refuses.
        """
        asked = arguments_of(EditArguments, arguments)
        count = await call.files.edit(asked.path, asked.old, asked.new, every=asked.every)
        return "Replaced once." if count == 1 else f"Replaced {count} times."


tool = Edit()
