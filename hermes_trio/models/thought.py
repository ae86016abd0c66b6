"""What a model thought before it called its tools, as it must be shown it again: gathered as it comes.

Which fields that are is a table; what they hold is their service's own, and nobody else reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hermes_trio.entries import ToolCall
from hermes_trio.pure.foreign_json import too_deep
from hermes_trio.pure.scalars import cleaned

CHARS_MAX = 200_000
"""Of one answer's thoughts. Of more nothing is kept: a part would not fit its signature."""

ROOM = 8
"""Levels of lists and objects around it where it is kept."""

GROWING = ("text", "summary", "thinking", "signature", "data")
"""Fields of a part of a thought that come in pieces."""


class Thought:
    """The thoughts of one answer while it grows; see GrowingAnswer."""

    def __init__(self) -> None:
        self._room = CHARS_MAX
        self._texts: dict[str, list[str]] = {}
        self._parts: dict[Any, dict[str, Any]] = {}
        self._extras: dict[str | int, Any] = {}

    def take_text(self, field: str, piece: Any) -> None:
        """A piece of a text: `reasoning_content` of DeepSeek, Kimi, GLM, Qwen; `reasoning` of others."""
        if isinstance(piece, str) and self._has_room(len(piece)):
            self._texts.setdefault(field, []).append(piece)

    def take_part(self, at: Any, part: Mapping[str, Any]) -> None:
        """A part of a thought, or more of the one at this place."""
        if not self._has_room(sum(len(one) for one in part.values() if isinstance(one, str))):
            return
        known = self._parts.setdefault(at, {})
        for field, value in part.items():
            if field in GROWING and isinstance(value, str):
                known.setdefault(field, []).append(value)
            elif value is not None:
                known[field] = value

    def take_details(self, details: Any) -> None:
        """Of OpenRouter and MiniMax: parts, each with its number."""
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, dict):
                self.take_part((detail.get("index"), detail.get("type")), detail)

    def take_extra(self, call: str | int, extra: Any) -> None:
        """What a call came with, by its id or its place."""
        if isinstance(extra, dict) and self._has_room(len(str(extra))):
            self._extras[call] = extra

    def _has_room(self, chars: int) -> bool:
        self._room -= chars
        return self._room >= 0

    def of_message(self, calls: Sequence[ToolCall]) -> dict[str, Any]:
        """What goes with a message of OpenAI's protocol, and with each of its calls."""
        message: dict[str, Any] = {field: "".join(pieces) for field, pieces in self._texts.items()}
        if self._parts:
            message["reasoning_details"] = self._whole_parts()
            message.pop("reasoning", None)  # the same once more
        extras = [self._extras.get(call.id, self._extras.get(n)) for n, call in enumerate(calls)]
        made: dict[str, Any] = {"message": message} if message else {}
        if any(extras):
            made["calls"] = [{"extra_content": extra} if extra else {} for extra in extras]
        return self._kept(made)

    def of_blocks(self, calls: Sequence[ToolCall]) -> dict[str, Any]:
        """Blocks of Anthropic's protocol that go before what was said."""
        return self._kept({"thinking": self._whole_parts()} if self._parts else {})

    def _whole_parts(self) -> list[dict[str, Any]]:
        return [
            {field: "".join(value) if field in GROWING else value for field, value in part.items()}
            for part in self._parts.values()
        ]

    def _kept(self, data: dict[str, Any]) -> dict[str, Any]:
        if self._room < 0 or not data:
            return {}
        data = cleaned(data)
        return {} if too_deep(b"[" * ROOM + msgspec.json.encode(data) + b"]" * ROOM) else data
