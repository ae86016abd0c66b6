"""A model that answers from a script, and records what it was asked."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import trio
from msgspec import Struct

from hermes_trio.errors import ModelFailed, ModelFailure
from hermes_trio.testing.record import Record
from hermes_trio.values.transcript import ModelAnswer, ModelRequest, ToolCall, UserEntry


class Line(Struct, frozen=True):
    """One answer of the script.

    Args:
        answer: what the call gives when it ends.
        after_s: virtual seconds before the first piece.
        between_s: virtual seconds after each piece.
        error: raised instead of an answer, after `after_s`.
        pieces: of the text, streamed one by one.
        hang: never answer.
    """

    answer: ModelAnswer = ModelAnswer()
    pieces: tuple[str, ...] = ()
    after_s: float = 0.0
    between_s: float = 0.0
    error: ModelFailed | None = None
    hang: bool = False


def text(*pieces: str, after_s: float = 0.0, between_s: float = 0.0) -> Line:
    """Answer with this text, streamed in these pieces.

    Args:
        after_s: virtual seconds before the first piece.
        between_s: and after each piece.
    """
    return Line(ModelAnswer(text="".join(pieces)), pieces, after_s, between_s)


def tool(name: str, /, *, say: str = "", after_s: float = 0.0, **arguments: object) -> Line:
    """Call a tool.

    Args:
        name: of the tool.
        say: text beside the call.
        after_s: virtual seconds before the answer.
        arguments: of the call.
    """
    call = ToolCall(f"call-{name}", name, msgspec.json.encode(arguments).decode())
    answer = ModelAnswer(text=say, calls=(call,), finish="tool_calls")
    return Line(answer, (say,) if say else (), after_s)


def partial(*pieces: str) -> Line:
    """Stream these pieces and end without an end event."""
    return Line(ModelAnswer(text="".join(pieces), finish="partial"), pieces)


def fails(kind: ModelFailure, *, after_s: float = 0.0, retry_after_s: float | None = None) -> Line:
    """Fail with this class of error.

    Args:
        kind: see `ModelFailed`.
        after_s: virtual seconds before it.
        retry_after_s: how long the provider wants to be left alone, in seconds; None: it does not say.
    """
    return Line(error=ModelFailed(kind, "scripted", retry_after_s=retry_after_s), after_s=after_s)


def hangs(*pieces: str, between_s: float = 0.0) -> Line:
    """Stream these pieces, then hang for ever."""
    return Line(pieces=pieces, hang=True, between_s=between_s)


class ScriptedModel:
    """A Model that answers from its script, then repeats what the user said.

    Args:
        name: for status and log.
        needs_key: it is asked with a key; those it has been told to refuse are refused.

    Attributes:
        record: where it says what happened; a World gives it its own.
        requests: every request, in order, also the refused ones.
        keys: the key each of them came with.
        in_flight: how many calls are in flight.
    """

    def __init__(self, name: str = "scripted", *, needs_key: bool = False) -> None:
        self.name = name
        self.needs_key = needs_key
        self.record = Record()
        self.requests: list[ModelRequest] = []
        self.keys: list[str] = []
        self.in_flight = 0
        self._script: list[Line] = []
        self._refusals: dict[str, Line] = {}
        self._faults: list[Line] = []
        self._healed = trio.Event()

    def script(self, *lines: Line) -> None:
        """Append answers. Each call takes the next; a call cut short by a crash gives its line back."""
        self._script += lines

    def refuse(self, *keys: str, line: Line) -> None:
        """Play this line, `fails("quota")` say, for each call with one of these keys, until they are healed.

        Such a call takes nothing from the script.
        """
        self._refusals.update(dict.fromkeys(keys, line))

    def fault(self, *lines: Line) -> None:
        """The next calls go wrong, one each, before the script goes on. What hangs does so until `heal`."""
        self._faults += lines

    def heal(self, *keys: str) -> None:
        """Take these keys again; without a name every one, and all other faults end too."""
        for key in keys or tuple(self._refusals):
            self._refusals.pop(key, None)
        if not keys:
            self._faults.clear()
            self._healed.set()
            self._healed = trio.Event()

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """See the Model port."""
        self.requests.append(request)
        self.keys.append(key)
        said = {"model": self.name} | ({"key": key} if key else {})
        self.record.add("model", "asked", **said, entries=len(request.entries), last=_last(request))
        line, comes_back = self._next(request, key)
        self.in_flight += 1
        try:
            answer = await self._play(line, on_text)
        except trio.Cancelled:
            if comes_back:
                self._script.insert(0, line)
            self.record.add("model", "cancelled", **said)
            raise
        except ModelFailed as error:
            self.record.add("model", "failed", **said, kind=error.kind)
            raise
        finally:
            self.in_flight -= 1
        calls = {"calls": [call.name for call in answer.calls]} if answer.calls else {}
        self.record.add(
            "model",
            "answered",
            **said,
            finish=answer.finish,
            text=answer.text,
            **calls,
        )
        return answer

    def _next(self, request: ModelRequest, key: str) -> tuple[Line, bool]:
        """The line of this call, and whether it is given back when the call is cut short."""
        if key in self._refusals:
            return self._refusals[key], False
        if self._faults:
            return self._faults.pop(0), False
        if not self._script:
            return self.unscripted(request), False
        line = self._script.pop(0)
        return line, not line.hang

    def unscripted(self, request: ModelRequest) -> Line:
        """What it answers when its script is at its end; a model of one's own overrides this."""
        return text(f"you said: {_last(request)}")

    async def _play(self, line: Line, on_text: Callable[[str], None]) -> ModelAnswer:
        await trio.sleep(line.after_s)
        if (error := line.error) is not None:
            # A new one each time: an error that was raised holds on to the turn it was raised in.
            wait_s, status, said = error.retry_after_s, error.status, error.said
            raise ModelFailed(error.kind, error.why, retry_after_s=wait_s, status=status, said=said)
        for piece in line.pieces:
            on_text(piece)
            await trio.sleep(line.between_s)
        if line.hang:
            await self._healed.wait()
            raise ModelFailed("transport", "no answer came")
        return line.answer


def _last(request: ModelRequest) -> str:
    said = [entry.text for entry in request.entries if isinstance(entry, UserEntry)]
    return said[-1] if said else ""
