"""search: where a text stands in the files of the conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta, Struct

from hermes_trio.ports.arguments import arguments_of, parameters_of
from hermes_trio.ports.tool import ToolContext


class SearchArguments(Struct, forbid_unknown_fields=True):
    """What the model says."""

    text: Annotated[str, Meta(description="what a line must hold; plain text, no pattern")]
    path: Annotated[str, Meta(description="of a folder or a file; the whole workspace if empty")] = ""
    ignore_case: Annotated[bool, Meta(description="upper and lower case are the same")] = False


class Search:
    """Lets the model find a text in the files of its conversation."""

    name = "search"
    description = "Find the lines that hold a text, in the files of this conversation's workspace."
    parameters = parameters_of(SearchArguments)
    idempotent = True

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> str:
        """Search.

        Raises:
            ValueError: an argument is wrong, or there is no such folder.
            OSError: the disk refuses.
        """
        asked = arguments_of(SearchArguments, arguments)
        found = await call.files.search(asked.text, asked.path, ignore_case=asked.ignore_case)
        lines = [f"{one.path}:{one.line}: {one.text}" for one in found.matches] or ["No line holds it."]
        if found.more:
            lines.append("There is more: search in a folder, or for a longer text.")
        if found.passed_over:
            lines.append(f"{found.passed_over} files were not looked into: no text, or too large.")
        return "\n".join(lines)


tool = Search()
