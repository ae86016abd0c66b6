"""What one act of a person at a terminal brings in lines: a paste is one message. Pure.

A terminal that knows bracketed paste marks its begin and its end; of another one the lines of a paste come
faster than anybody types. A line that begins with a slash is a command of its own where nothing is marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from hermes_terminal.lines import LINE_MAX, Line
from hermes_terminal.modes import KEYS, PASTE_BEGINS, PASTE_ENDS

BEGIN, END = PASTE_BEGINS.encode(), PASTE_ENDS.encode()
_KEYS = re.compile(KEYS.encode())
CUT_AT = 4095
"""So many bytes of a line the system keeps; what is typed or pasted behind them is lost (see termios(3))."""


class Said(Struct, frozen=True):
    """One message.

    Args:
        line: its lines as one, numbered like the first.
        cut: the system may have thrown away a part of it.
    """

    line: Line
    cut: bool = False


class Gather:
    """Puts lines together. What is fed at once was typed at once.

    Of a paste that cannot be taken whole nothing is: what follows of it is no message either.
    """

    def __init__(self) -> None:
        self._paste: list[Line] = []
        self._refused = False  # the rest of a paste comes, of which a line was cut, or too much came

    def feed(self, lines: Sequence[Line]) -> Iterator[Said]:
        """The messages that are complete with these lines."""
        burst: list[Line] = []
        may_have_ended = False
        for line in lines:
            if self._refused:
                self._refused = END not in line.raw
            elif self._paste or BEGIN in line.raw:
                if burst:
                    yield _said(burst)
                    burst = []
                self._paste.append(line)
                may_have_ended = line.length >= CUT_AT  # its end mark may be in what is lost
                self._refused = END not in line.raw and (may_have_ended or self._size() > LINE_MAX)
                if END in line.raw or self._refused:
                    yield from self.end()
            elif burst and (line.raw.startswith(b"/") or burst[-1].raw.startswith(b"/")):
                yield _said(burst)
                burst = [line]
            else:
                burst.append(line)
        if burst:
            yield _said(burst)
        self._refused = self._refused and not may_have_ended

    def end(self) -> Iterator[Said]:
        """The paste that is open, when nothing more comes."""
        if self._paste:
            pasted, self._paste = self._paste, []
            yield _said(pasted)

    def _size(self) -> int:
        return sum(line.length for line in self._paste)


def _said(lines: Sequence[Line]) -> Said:
    raw = b"\n".join(_KEYS.sub(b"", line.raw) for line in lines)
    length = sum(line.length for line in lines)
    cut = any(line.length >= CUT_AT for line in lines)
    return Said(Line(lines[0].number, raw.strip(b"\r\n")[:LINE_MAX], length), cut)
