"""list: what stands in a folder of the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from hermes_trio.ports.arguments import arguments_of, parameters_of
from hermes_trio.ports.tool import ToolContext
from hermes_trio.values.files import FileView


class ListArguments(Struct, forbid_unknown_fields=True):
    """What the model says."""

    path: Annotated[str, Meta(description="of a folder in the workspace; the workspace itself if empty")] = ""
    deep: Annotated[bool, Meta(description="also what stands in the folders in it")] = False


class List:
    """Lets the model see what files its conversation has."""

    name = "list"
    description = "List the files and folders of this conversation's workspace, or of a folder in it."
    parameters = parameters_of(ListArguments)
    idempotent = True

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> str:
        """List it.

        Raises:
            ValueError: an argument is wrong, or there is no such folder.
            OSError: the disk refuses.
        """
        asked = arguments_of(ListArguments, arguments)
        found = await call.files.list(asked.path, deep=asked.deep)
        lines = [_line(one) for one in found.files] or ["Nothing stands there."]
        if found.more:
            lines.append("There is more: list a folder in it.")
        return "\n".join(lines)


def _line(one: FileView) -> str:
    match one.kind:
        case "file":
            return f"{one.path} ({one.bytes} bytes)"
        case "folder":
            return f"{one.path}/"
    return f"{one.path} ({one.kind})"


tool = List()
