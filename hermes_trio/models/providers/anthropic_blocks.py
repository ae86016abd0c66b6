"""The blocks of an answer of Anthropic's, in their order, and which of them have to be sent back to it.

If the answer calls our tools, that is its thoughts. If tools of the service itself acted in it, that is the
whole answer as it came: only the answer holds what these found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hermes_trio.models.providers.growing_calls import arguments_object
from hermes_trio.values.transcript import ToolCall

CHARS_MAX = 200_000
"""Of what is kept of one answer. Of more nothing is kept: a part would not fit its signature."""

BEGUN_CHARS = 64
"""For so many characters counts what is begun: else many beginnings of nothing would cost nothing."""

THINKING = ("thinking", "redacted_thinking")
OURS = ("text", "tool_use", *THINKING)
"""Kinds of blocks in which no tool of the service acts."""

GROWING = ("text", "thinking", "signature", "data", "input_json")
"""Fields that come in pieces."""

Block = Mapping[str, Any]


class _Pieces(list[str]):
    """A text that still grows."""


class Blocks:
    """The blocks of one answer while it grows.

    Attributes:
        given: how many characters there were of them. Beyond `CHARS_MAX` all are forgotten.
    """

    def __init__(self) -> None:
        self.given = 0
        self._all: dict[tuple[object, ...], dict[str, Any]] = {}
        self._theirs: dict[int | None, dict[str, Any]] = {}
        self._text: dict[str, Any] = {"citations": []}

    def begin(self, index: int | None, block: Mapping[str, Any]) -> None:
        """A block begins at this place, or is here at once."""
        kind = str(block.get("type"))
        fits = self._fits(block, begun=True)
        if kind not in OURS:
            self._theirs[index] = {}
        if not fits:
            return
        if kind in OURS:
            known = self._all.setdefault((index, kind), {})
        else:
            known = self._all[index, kind, len(self._all)] = self._theirs[index]
        _grow(known, block)

    def is_theirs(self, index: int | None) -> bool:
        """Whether the service itself acts in the block at this place."""
        return index in self._theirs

    def text(self, begin: int, citations: Any = None) -> None:
        """A text begins.

        Args:
            begin: how many pieces of text the answer has before it. It goes to the next text's.
        """
        if self._fits(citations, begun=True):
            self._text = self._all["text", begin, len(self._all)] = {"type": "text", "begin": begin}
            self._text["citations"] = list(citations) if isinstance(citations, list) else []

    def think(self, index: int | None, more: Mapping[str, Any]) -> None:
        """More of a thought."""
        at = index, "thinking"
        if self._fits(*more.values(), begun=at not in self._all):
            _grow(self._all.setdefault(at, {"type": "thinking"}), more)

    def ask(self, index: int | None, piece: Any) -> None:
        """More of what the service asks a tool of its own."""
        if self._fits(piece):
            _grow(self._theirs[index], {"input_json": piece} if isinstance(piece, str) else {"input": piece})

    def cite(self, citation: Any) -> None:
        """Where the words of the text that began last are from."""
        if self._fits(citation):
            self._text["citations"].append(citation)

    def _fits(self, *more: object, begun: bool = False) -> bool:
        """Whether this is kept, too. Each piece counts for one character at least."""
        self.given += (sum(len(str(one)) for one in more) or 1) + begun * BEGUN_CHARS
        if self.given <= CHARS_MAX:
            return True
        if self._all:
            self._all.clear()
            self._text = {"citations": []}
            self._theirs = {index: {} for index in self._theirs}
        return False

    def to_show_again(self, calls: Sequence[ToolCall], text: Sequence[str]) -> dict[str, list[Block]]:
        """What the service must see again of them: under `content` all, under `thinking` the thoughts.

        Args:
            calls: those of the answer that are made. A block of one has its id only; what was called is
                spelled as of any answer.
            text: the pieces of the answer's text.
        """
        if self.given > CHARS_MAX:
            return {}
        blocks = [_whole(block) for block in self._all.values()]
        if self._theirs and _made(blocks) == [call.id for call in calls]:
            content = [
                {"type": "tool_use", "id": block["id"]} if block["type"] == "tool_use" else block
                for block in _with_texts(blocks, text)
                if block["type"] != "text" or block.get("text", "").strip()
            ]
            if len(msgspec.json.encode(content)) <= CHARS_MAX:
                return {"content": content}
        thinking = [block for block in blocks if block["type"] in THINKING]
        return {"thinking": thinking} if thinking else {}


def _grow(known: dict[str, Any], more: Mapping[str, Any]) -> None:
    for field, value in more.items():
        if field in GROWING and isinstance(value, str):
            known.setdefault(field, _Pieces()).append(value)
        elif value is not None:
            known[field] = value


def _whole(block: Block) -> Block:
    made = {field: "".join(v) if isinstance(v, _Pieces) else v for field, v in block.items()}
    if "input_json" in made:
        made["input"] = arguments_object(made.pop("input_json")) or made.get("input") or {}
    if not made.get("citations"):
        made.pop("citations", None)
    return made


def _with_texts(blocks: Sequence[Block], pieces: Sequence[str]) -> list[Block]:
    begins = [block["begin"] for block in blocks if "begin" in block]
    ends = [*begins[1:], len(pieces)]
    made = []
    for block in blocks:
        if "begin" in block:
            rest = {field: value for field, value in block.items() if field != "begin"}
            block = rest | {"text": "".join(pieces[block["begin"] : ends.pop(0)])}
        made.append(block)
    return made


def _made(blocks: Sequence[Block]) -> list[str]:
    return [str(block.get("id")) for block in blocks if block["type"] == "tool_use"]


# -- when they are shown again


def open_at(blocks: Sequence[Block]) -> int:
    """Where the first call of the service stands that has no result yet; past the end if there is none."""
    found = {block["tool_use_id"] for block in blocks if "tool_use_id" in block}
    return next((n for n, one in enumerate(blocks) if _is_call(one) and one["id"] not in found), len(blocks))


def settled(blocks: Sequence[Block]) -> list[Block]:
    """The blocks without calls of the service that have no result, and without results of no call."""
    asked = {block["id"] for block in blocks if _is_call(block)}
    found = {block["tool_use_id"] for block in blocks if "tool_use_id" in block}
    both = asked & found
    whole = [one for one in blocks if not _is_call(one) or one["id"] in both]
    return [one for one in whole if "tool_use_id" not in one or one["tool_use_id"] in both]


def _is_call(block: Block) -> bool:
    return block["type"] != "tool_use" and str(block["type"]).endswith("tool_use") and "id" in block
