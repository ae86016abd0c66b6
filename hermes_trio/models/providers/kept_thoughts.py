"""A model's thoughts before it called its tools, gathered while they stream in, to be sent back to it.

A table says in which fields they come. What these hold is the service's own, and nobody else reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hermes_trio.models.providers.anthropic_blocks import BEGUN_CHARS, CHARS_MAX, Blocks
from hermes_trio.text.foreign_json import too_deep
from hermes_trio.text.sanitize import cleaned
from hermes_trio.values.transcript import ToolCall

ROOM = 8
"""Levels of lists and objects around it where it is kept."""

THOUGHT_CHARS_MAX = 8_000_000
"""Of all thoughts of one answer. What comes after is not read: no model thinks for so long."""

GROWING = ("text", "summary", "signature", "data")
"""Fields of a part of a thought that come in pieces."""


class Thought:
    """The thoughts of one answer while it grows; see GrowingAnswer. Beyond `CHARS_MAX` they are forgotten.

    Attributes:
        blocks: of an answer of Anthropic's.
    """

    def __init__(self) -> None:
        self._given = 0
        self._texts: dict[str, list[str]] = {}
        self._details: dict[Any, dict[str, Any]] = {}
        self.blocks = Blocks()
        self._extras: dict[str | int, Any] = {}

    def take_text(self, field: str, piece: Any) -> None:
        """A piece of a text: `reasoning_content` of DeepSeek, Kimi, GLM, Qwen; `reasoning` of others."""
        if isinstance(piece, str) and self._fits(len(piece)):
            self._texts.setdefault(field, []).append(piece)

    def take_details(self, details: Any) -> None:
        """Of OpenRouter and MiniMax: parts, each with its number."""
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, dict):
                self._grow(self._details, (str(detail.get("index")), str(detail.get("type"))), detail)

    def take_extra(self, call: str | int, extra: Any) -> None:
        """What a call came with, by its id or its place."""
        if isinstance(extra, dict) and self._fits(BEGUN_CHARS + len(str(extra))):
            self._extras[call] = extra

    def _grow(self, parts: dict[Any, dict[str, Any]], at: Any, more: Mapping[str, Any]) -> None:
        before = parts.get(at, {})
        grown = [one for field, one in more.items() if _is_piece(field, one) or before.get(field) != one]
        begun = sum(field not in before for field in more)
        if not self._fits(begun * BEGUN_CHARS + sum(len(str(one)) for one in grown)):
            return
        known = parts.setdefault(at, {})
        for field, value in more.items():
            if _is_piece(field, value):
                known.setdefault(field, []).append(value)
            elif value is not None:
                known[field] = value

    @property
    def endless(self) -> bool:
        """There was more than any model thinks."""
        return self._given + self.blocks.given > THOUGHT_CHARS_MAX

    def _fits(self, chars: int) -> bool:
        """Whether so much more is kept. Each piece counts for one character at least."""
        self._given += max(1, chars)
        if self._given <= CHARS_MAX:
            return True
        for kept in (self._texts, self._details, self._extras):
            kept.clear()
        return False

    def with_calls(self, calls: Sequence[ToolCall], text: Sequence[str]) -> dict[str, Any]:
        """What goes with the message, with each of its calls, and in blocks."""
        message: dict[str, Any] = {field: "".join(pieces) for field, pieces in self._texts.items()}
        if self._details:
            message["reasoning_details"] = _whole(self._details)
            message.pop("reasoning", None)  # the same once more
        extras = [self._extras.get(call.id, self._extras.get(n)) for n, call in enumerate(calls)]
        made: dict[str, Any] = {"message": message} if message else {}
        if any(extras):
            made["calls"] = [{"extra_content": extra} if extra else {} for extra in extras]
        made |= self.blocks.to_show_again(calls, text)
        return {} if self._given > CHARS_MAX else _kept(made)


def _is_piece(field: str, value: object) -> bool:
    return field in GROWING and isinstance(value, str)


def _whole(parts: Mapping[Any, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {field: "".join(value) if field in GROWING else value for field, value in part.items()}
        for part in parts.values()
    ]


def _kept(data: dict[str, Any]) -> dict[str, Any]:
    data = cleaned(data)
    return {} if too_deep(b"[" * ROOM + msgspec.json.encode(data) + b"]" * ROOM) else data
