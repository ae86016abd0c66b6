"""What one act of a person at a terminal brings in lines: a paste is one message. Pure.

A terminal that knows bracketed paste marks its begin and its end, and no clock ends such a paste. Of another
terminal the lines of a paste come faster than anybody types: a pause between them ends it, however long it
takes as a whole. A line that begins with a slash is a command of its own where nothing is marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import inf

from msgspec import Struct

from hermes_terminal.lines import LINE_MAX, Line
from hermes_terminal.modes import KEYS, PASTE_BEGINS, PASTE_ENDS

BEGIN, END = PASTE_BEGINS.encode(), PASTE_ENDS.encode()
_KEYS = re.compile(KEYS.encode())
CUT_AT = 4095
"""So many bytes of a line the system keeps; what is typed or pasted behind them is lost (see termios(3))."""

GAP_S = 0.03
"""Between two lines of a paste; who types is slower."""

REST_S = 1.0
"""Between two pieces of what is left of a refused paste; who reads that it was refused is slower."""


class Typed(Struct, frozen=True):
    """One message.

    Args:
        line: its lines as one, numbered like the first; of one that is too long the beginning.
        cut: the system may have thrown away a part of it.
    """

    line: Line
    cut: bool = False


class Gather:
    """Puts lines together.

    Of a paste that cannot be taken whole nothing is: it is refused when it is over, so that whoever is told
    so and writes again is heard.
    """

    def __init__(self) -> None:
        self._open: list[Line] = []
        self._marked = False
        self._length = 0
        self._cut = False

    def feed(self, lines: Sequence[Line], *, paused: bool) -> Iterator[Typed]:
        """The messages that are complete with these lines.

        Args:
            paused: nothing more came as fast as a paste does.
        """
        for line in lines:
            if not self._marked and (BEGIN in line.raw or self._begins_anew(line)):
                yield from self.end()
            self._marked = self._marked or BEGIN in line.raw
            self._add(line)
            if self._marked and END in line.raw:
                yield from self.end()
        if paused and not self._marked:
            yield from self.end()

    @property
    def ends_after_s(self) -> float:
        """How long a pause ends what is open, in seconds. A paste's end mark may be in what was cut off."""
        if not self._marked:
            return GAP_S if self._open else inf
        return REST_S if self._cut else inf

    def end(self) -> Iterator[Typed]:
        """What is open, when nothing more comes."""
        said = _said(self._open, self._length, self._cut) if self._open else None
        self._open, self._marked, self._length, self._cut = [], False, 0, False
        if said is not None:
            yield said

    def _begins_anew(self, line: Line) -> bool:
        if not self._open or self._cut or self._length > LINE_MAX:
            return False
        return line.raw.startswith(b"/") or self._open[-1].raw.startswith(b"/")

    def _add(self, line: Line) -> None:
        if self._length <= LINE_MAX:
            self._open.append(line)
        self._length += line.length
        self._cut = self._cut or line.length >= CUT_AT


def _said(lines: Sequence[Line], length: int, cut: bool) -> Typed:
    raw = b"\n".join(_KEYS.sub(b"", line.raw) for line in lines)
    return Typed(Line(lines[0].number, raw.strip(b"\r\n")[:LINE_MAX], length), cut)
