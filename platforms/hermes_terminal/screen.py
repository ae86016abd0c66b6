"""What to print for a delivery.

On a terminal there is, from top to bottom: what has been said, which stays; what is still being made (the
live texts: preview, progress, sign of waiting), at most a screen of it, which is painted anew at each
change; the prompt. Into a pipe goes only what stays, once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from hermes_terminal.modes import PASTES_MARKED, PASTES_PLAIN, typed_text
from hermes_terminal.paint import clean, paint, rows, wrap
from hermes_trio import Delivery, Part

PROMPT = "> "
LIVE = frozenset({"preview", "progress", "sign"})
"""What is shown only until something else takes its place."""

_REMEMBERED = 64
_ECHOED = re.compile(r"[\x00-\x1f\x7f]")


class Screen:
    """Turns deliveries into what to write. Pure: it believes that all it gave was written.

    Args:
        tty: the output is a terminal.
        prompt: the user types below the output, on the same terminal.
        size: columns and rows of the terminal, asked at each change.
        colour: formats may be colours.
    """

    def __init__(
        self, *, tty: bool, prompt: bool, size: Callable[[], tuple[int, int]], colour: bool = True
    ) -> None:
        self._tty = tty
        self._marks = False
        self._prompt = PROMPT if tty and prompt else ""
        self._size = size
        self._colour = colour
        self._live: dict[str, str] = {}
        self._painted: list[str] = []
        self._said: dict[str, int] = {}
        self._last: tuple[str, str] | None = None

    def begin(self) -> str:
        """What to write before anything else: the prompt, and that pastes shall be marked."""
        self._marks = bool(self._prompt)
        return PASTES_MARKED + self._prompt if self._marks else self._prompt

    def leave(self) -> str:
        """What to write last of all: the terminal is what it was."""
        marks, self._marks = self._marks, False
        return self.end() + (PASTES_PLAIN if marks else "")

    def tell(self, text: str) -> str:
        """What to write so that the user reads something that no chat holds."""
        self._last = None
        erase = self._erase() if self._tty else ""
        return f"{erase}{text}\n{self._bottom()}"

    def show(self, delivery: Delivery, message_id: str) -> str:
        """What to write so that the delivery is seen; "" when it needs nothing.

        Args:
            message_id: the id of the message it makes or changes.
        """
        part = delivery.part
        if delivery.op == "delete" or part is None:
            return self._delete(message_id)
        if delivery.said in LIVE:
            return self._show_live(message_id, part)
        for number, choice in enumerate(delivery.choices, 1):
            part = Part(f"{part.text}\n  {number}. {choice.label}", part.spans)
        return self._say(message_id, part)

    def typed(self, lines: Sequence[str]) -> str:
        """What to write after the user ended these lines: they move above the live texts."""
        if not self._prompt or not lines:
            return ""
        self._last = None
        if not self._live and all(typed_text(line) == line for line in lines):
            return self._prompt
        width, height = self._size()
        below = sum(rows(prompt + _echoed(line), width) for prompt, line in _prompted(lines))
        erase = self._erase(below) if self._live_rows + below < height else ""
        echo = (
            "".join(f"{prompt}{clean(typed_text(line))}\n" for prompt, line in _prompted(lines))
            if erase
            else ""
        )
        return erase + echo + self._bottom()

    def end(self) -> str:
        """What to write at the end of the input: nobody is prompted any more."""
        end = "\n" if self._prompt else ""
        self._prompt = ""
        self._painted = []
        return end

    def _show_live(self, message_id: str, part: Part) -> str:
        if not self._tty:
            return ""
        erase = self._erase()
        self._live[message_id] = part.text
        return erase + self._bottom()

    def _say(self, message_id: str, part: Part) -> str:
        """Print what stays; in the place of its older self where that is the last thing printed."""
        text = paint(part, ansi=False)
        if self._said.get(message_id) == hash(text) and message_id not in self._live:
            return ""
        self._remember(message_id, text)
        if not self._tty:
            return text + "\n"
        erase = self._erase(self._rows_of_last(message_id))
        self._live.pop(message_id, None)
        self._last = (message_id, text)
        return f"{erase}{paint(part, ansi=True, colour=self._colour)}\n{self._bottom()}"

    def _delete(self, message_id: str) -> str:
        above = self._rows_of_last(message_id) if self._tty else 0
        if message_id not in self._live and not above:
            return ""
        erase = self._erase(above)
        self._live.pop(message_id, None)
        if above:
            self._last = None
        return erase + self._bottom()

    def _remember(self, message_id: str, text: str) -> None:
        self._said.pop(message_id, None)
        self._said[message_id] = hash(text)
        if len(self._said) > _REMEMBERED:
            del self._said[next(iter(self._said))]

    def _rows_of_last(self, message_id: str) -> int:
        """The rows of a message if it is the last one said and still on the screen, else 0."""
        if self._last is None or self._last[0] != message_id:
            return 0
        width, height = self._size()
        count = rows(self._last[1].replace("\t", "    "), width)
        return count if count + self._live_rows < height else 0

    @property
    def _live_rows(self) -> int:
        """The rows of the live texts: a window that became narrower since has made more of them."""
        width, _ = self._size()
        return sum(rows(row, width) for row in self._painted)

    def _erase(self, more: int = 0) -> str:
        """Erase the prompt, the live texts and `more` rows beside them; the cursor is left there."""
        up = self._live_rows + more
        return "\r" + (f"\x1b[{up}A" if up else "") + "\x1b[J"

    def _bottom(self) -> str:
        """The live texts and the prompt. They never fill the screen, so that they can be erased again."""
        width, height = self._size()
        room = max(height - 2, 1)
        shown: list[str] = []
        for text in self._live.values():
            lines = clean(text[-room * width :]).replace("\t", "    ").split("\n")
            shown += [row for line in lines[-room:] for row in wrap(line, max(width - 1, 2))]
        shown = shown[-room:]
        self._painted = shown
        return "".join(f"{row}\n" for row in shown) + self._prompt


def _prompted(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each line with the prompt it was typed behind: lines that come at once stand behind one."""
    return zip((PROMPT, *[""] * (len(lines) - 1)), lines, strict=True)


def _echoed(line: str) -> str:
    """A line as the system has shown it: a control character as two others."""
    return _ECHOED.sub("^_", line.replace("\t", "    "))
