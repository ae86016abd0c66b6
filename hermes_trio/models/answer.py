"""An answer while it grows: pieces of text and of calls in, a ModelAnswer out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from hermes_trio.entries import Keepsake, ModelAnswer, ModelRequest, Spell, ToolCall
from hermes_trio.errors import ModelFailed, NotJson
from hermes_trio.pure.foreign_json import ForeignJson
from hermes_trio.pure.scalars import clean, scalars

ANSWER_CHARS_MAX = 1_000_000
"""Of text and calls together. What comes after is not read: the answer is partial, and told as such."""

CALLS_MAX = 128
NAME_CHARS_MAX = 256
"""Of a call's name or id. No tool has a longer name; a longer id is replaced by one of ours."""

Finish = Literal["stop", "tool_calls", "length"]
ARGUMENTS: ForeignJson[dict[str, Any]] = ForeignJson(dict[str, Any], most_bytes=4 * ANSWER_CHARS_MAX)


class _Call:
    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []


class GrowingAnswer:
    """What one call of a model has given so far.

    Args:
        on_text: called with each piece of text, in order.
        unnamed: begins the ids of calls the provider gave none; must be new to the transcript.
        of: which service and model gives it; see `spelling.service`.

    Attributes:
        thought: what it must be shown again with these calls, when the answer has ended; JSON.
    """

    def __init__(self, on_text: Callable[[str], None], unnamed: str, of: str = "") -> None:
        self._on_text = on_text
        self._unnamed = unnamed
        self._of = of
        self.thought: Callable[[Sequence[ToolCall]], dict[str, Any]] = lambda _: {}
        self._text: list[str] = []
        self._half = ""  # the first half of a surrogate pair
        self._calls: dict[int, _Call] = {}
        self._room = ANSWER_CHARS_MAX
        self.finish: Finish | None = None
        self.tokens_in = 0
        self.tokens_out = 0
        self.tokens_cached = 0
        self.tokens_kept = 0

    @property
    def full(self) -> bool:
        """It is as large as it may get; stop reading."""
        return self._room < 0 or len(self._calls) > CALLS_MAX

    @property
    def begun(self) -> bool:
        """There is something of it."""
        return bool(self._text or self._calls)

    def add_text(self, piece: str) -> None:
        """Take a piece of the answer's text."""
        if self._half:
            piece, self._half = self._half + piece, ""
        if not piece.isascii():
            if "\ud800" <= piece[-1] <= "\udbff":
                piece, self._half = piece[:-1], piece[-1]
            piece = scalars(piece)
        if "\0" in piece:
            piece = piece.replace("\0", "")
        if piece and self._room >= 0:
            self._room -= len(piece)
            self._text.append(piece)
            self._on_text(piece)

    def add_call(self, slot: int, *, id: str = "", name: str = "", arguments: str = "") -> None:
        """Take a piece of the call at `slot`; id and name come whole, arguments in pieces."""
        call = self._calls.setdefault(slot, _Call())
        call.id = call.id or (id if len(id) <= NAME_CHARS_MAX else "")
        call.name = call.name or name[:NAME_CHARS_MAX]
        self._room -= len(id) + len(name)
        if arguments and self._room >= 0:
            self._room -= len(arguments)
            call.arguments.append(arguments)

    def call_id(self, slot: int) -> str:
        """The id of the call at `slot` so far."""
        return self._calls[slot].id if slot in self._calls else ""

    def result(self) -> ModelAnswer:
        """The answer. Only one that ended as its provider says it should has calls.

        Raises:
            ModelFailed: nothing of it is any use: it was all calls, and more than may be.
        """
        if self.full:
            self.finish = None
            if not self._text:
                raise ModelFailed("transport", f"an answer of more than {CALLS_MAX} calls, or too large ones")
        calls = tuple(self._whole_calls()) if self.finish in ("stop", "tool_calls") else ()
        finish = "tool_calls" if calls else ("stop" if self.finish == "tool_calls" else self.finish)
        return ModelAnswer(
            text="".join(self._text),
            calls=calls,
            finish=finish or "partial",
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            tokens_cached=self.tokens_cached,
            tokens_kept=self.tokens_kept,
            keepsake=Keepsake(self._of, self.thought(calls)) if calls else None,
        )

    def _whole_calls(self) -> list[ToolCall]:
        return [
            ToolCall(
                id=clean(call.id) or f"{self._unnamed}-{position}",
                name=clean(call.name),
                arguments=clean("".join(call.arguments)) or "{}",
            )
            for position, (_, call) in enumerate(sorted(self._calls.items()))
            if call.name
        ]


def unnamed_calls(request: ModelRequest, spell: Spell) -> str:
    """How the ids of calls begin that a provider gives none: new to the transcript."""
    earlier = request.earlier.get(spell)
    return f"call-{len(request.entries) + (earlier.entries if earlier is not None else 0)}"


def arguments_object(arguments: str) -> dict[str, Any]:
    """The arguments of a recorded call as providers want them back: an object, empty if it never was one."""
    try:
        return ARGUMENTS(arguments)
    except NotJson:
        return {}
