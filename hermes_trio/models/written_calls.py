"""Calls that a model writes as text, because its server does not read them out of what it says.

Such a call is not made: a text may also quote one, of a page or a file. But nobody takes it for an answer.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from hermes_trio.errors import NotJson
from hermes_trio.text.foreign_json import ForeignJson

AT_THE_END = re.compile(
    r"<tool_call>\s*((?P<json>\{.*\})|<function=(?P<name>[\w.-]+)>.*</function>)\s*</tool_call>\s*\Z",
    re.DOTALL,
)
"""As Qwen, Hermes and many others are taught to call, and Qwen's models for code."""

_CALL: ForeignJson[dict[str, Any]] = ForeignJson(dict[str, Any], most_bytes=1024 * 1024)


def written_call(text: str, tools: Collection[str]) -> str:
    """Which of these tools the end of an answer's text calls; "" if it calls none of them for certain."""
    found = AT_THE_END.search(text[text.rfind("<tool_call>") :]) if "</tool_call>" in text else None
    if found is None:
        return ""
    if found["name"]:
        return found["name"] if found["name"] in tools else ""
    try:
        call = _CALL(found["json"])
    except NotJson:
        return ""
    name, arguments = call.get("name"), call.get("arguments", call.get("parameters", {}))
    return name if isinstance(name, str) and name in tools and isinstance(arguments, dict) else ""
