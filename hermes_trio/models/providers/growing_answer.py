"""An answer while it grows: pieces of text and of calls in, a ModelAnswer out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from hermes_trio.errors import ModelFailed
from hermes_trio.models.providers.anthropic_blocks import CHARS_MAX
from hermes_trio.models.providers.growing_calls import Calls
from hermes_trio.models.providers.kept_thoughts import Thought
from hermes_trio.models.providers.stop_reasons import End, end_of
from hermes_trio.models.providers.thinking_in_text import Thinking, without_lost
from hermes_trio.text.sanitize import scalars
from hermes_trio.text.whole_words import whole_words
from hermes_trio.values.transcript import Keepsake, ModelAnswer, ModelRequest, Spell, ToolCall

ANSWER_CHARS_MAX = 1_000_000
"""Of text and calls together. What comes after is not read: the answer is partial, and told as such."""

CALLS_MAX = 128
REASON_CHARS_MAX = 100
Finish = Literal["stop", "tool_calls", "length", "unfinished", "partial"]


class GrowingAnswer:
    """What one call of a model has given so far.

    Args:
        on_text: called with each piece of text, in order.
        unnamed: begins the ids of calls the provider gave none; must be new to the transcript.
        of: which service and model gives it; see `spelling.service`.

    Attributes:
        end: what its provider said of its end; None while it has said nothing.
        reason: in its own word.
        thought: what it must be shown again with its calls.
    """

    def __init__(self, on_text: Callable[[str], None], unnamed: str, of: str = "") -> None:
        self._on_text = on_text
        self._unnamed = unnamed
        self._of = of
        self.thought = Thought()
        self._text: list[str] = []
        self._half = ""  # the first half of a surrogate pair
        self._thinking: Thinking | None = Thinking()
        self._began: list[str] = []  # with, while it was looked at for thinking
        self._taken_out = ""
        self._calls = Calls()
        self._room = ANSWER_CHARS_MAX
        self.end: End | None = None
        self.reason = ""
        self.tokens_in = 0
        self.tokens_out = 0
        self.tokens_cached = 0
        self.tokens_kept = 0

    @property
    def full(self) -> bool:
        """It is as large as it may get; stop reading."""
        return self._room < 0 or len(self._calls.begun) > CALLS_MAX or self.thought.endless

    @property
    def begun(self) -> bool:
        """There is something of it."""
        return bool(self._text or self._calls.begun)

    @property
    def pieces(self) -> int:
        """How many pieces of text there are."""
        return len(self._text)

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
        if not piece:
            self._room -= 1  # a stream of nothing ends, too
            return
        if self._thinking is not None:
            self._room -= len(piece)
            self._began.append(piece)
            piece = self._thinking.take(piece)
            self._room += len(piece)
            if self._thinking.over:
                self._thought_of(piece)
        if piece and self._room >= 0:
            self._room -= len(piece)
            self._text.append(piece)
            self._on_text(piece)

    def add_call(self, index: int | None, *, id: str = "", name: str = "", arguments: Any = None) -> int:
        """Take a piece of a call; see `Calls.take`. Returns the call's place in the answer."""
        self._room -= 1 + len(id) + len(name)
        if isinstance(arguments, str):
            arguments = arguments if self._room >= 0 else ""
            self._room -= len(arguments)
        return self._calls.take(index, id=id, name=name, arguments=arguments)

    def ends(self, reason: str) -> None:
        """Its provider says that it has ended, and why."""
        self.end, self.reason = end_of(reason), reason

    def result(self) -> ModelAnswer:
        """The answer. Only one that ended as its provider says it should has calls.

        Raises:
            ModelFailed: nothing of it is any use: it was all calls, and more than may be; its provider broke
                down ("transport"), or will not answer ("malformed").
        """
        if self.full:
            self.end = None
            if not self._text:
                raise ModelFailed("transport", f"an answer of more than {CALLS_MAX} calls, or too large")
        if self._thinking is not None:
            held = self._thinking.end()
            self._thought_of(held)
            if held:
                self._text.append(held)
                self._on_text(held)
        text = without_lost("".join(self._text))
        said = bool(text.strip())
        reason = whole_words(self.reason, REASON_CHARS_MAX)
        if self.end == "failed":
            raise ModelFailed("transport", f"it broke down: {reason!r}")
        if self.end == "refused" and not said:
            raise ModelFailed("malformed", f"it will not answer: {reason!r}")
        whole = tuple(self._calls.whole(self._unnamed)) if self.end in ("stop", "tool_calls") else ()
        return ModelAnswer(
            text=text,
            calls=whole,
            finish=self._finish(said, bool(whole)),
            tokens_in=self.tokens_in,
            tokens_out=self.tokens_out,
            tokens_cached=self.tokens_cached,
            tokens_kept=self.tokens_kept,
            keepsake=self._keepsake(whole),
        )

    def _keepsake(self, calls: Sequence[ToolCall]) -> Keepsake | None:
        """Of an answer with calls, and of one that paused amid tools of its service's own."""
        if calls:
            return Keepsake(self._of, self._to_be_shown_again(calls))
        kept = self.thought.with_calls((), self._text) if self.end == "paused" else {}
        return Keepsake(self._of, {"content": kept["content"]}) if "content" in kept else None

    def _thought_of(self, rest: str) -> None:
        """All thinking has been taken out of the text; this is what it goes on with."""
        self._thinking = None
        whole = "".join(self._began)
        self._began.clear()
        self._taken_out = whole[: len(whole) - len(rest)]

    def _to_be_shown_again(self, calls: Sequence[ToolCall]) -> dict[str, Any]:
        before = self._taken_out
        return self.thought.with_calls(calls, self._text) | (
            {"before": before} if 0 < len(before) <= CHARS_MAX else {}
        )

    def _finish(self, said: bool, calls: bool) -> Finish:
        match self.end:
            case "stop" | "tool_calls":
                return "tool_calls" if calls else "stop"
            case "length":
                return "length" if said and not self._calls.begun else "unfinished"
            case "paused":
                return "unfinished"
            case _:
                return "partial"


def unnamed_calls(request: ModelRequest, spell: Spell) -> str:
    """How the ids of calls begin that a provider gives none: new to the transcript."""
    earlier = request.earlier.get(spell)
    return f"call-{len(request.entries) + (earlier.entries if earlier is not None else 0)}"
