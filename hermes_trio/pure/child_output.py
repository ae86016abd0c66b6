"""What a child prints: bytes to text, without what moves a cursor, bounded, cut into lines."""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Callable

HELD_MAX = 256
SECRET_MAX = 8192
LINE_MAX = 2000
COLUMNS_MAX = 256
"""A move along a line ends there, as at a terminal's edge, or at the line's end if that is farther: else ten
bytes would cost ten thousand."""

_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)|\x9b[0-?]*[ -/]*)\Z")
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_ON_THE_LINE = re.compile(r"\x1b\[[0-9]{0,4}[KGCD]")
_MOVES = re.compile(r"[\r\x08\x1b]")
_STROKES = re.compile(r"[^\r\x08\x1b]+|\r|\x08+|\x1b\[([0-9]*)([KGCD])")


class Cleaner:
    """Turns a child's bytes into text, piece by piece, as a terminal would show it.

    UTF-8, what is none replaced. What comes after a carriage return is written over the line, as is what
    comes after a backspace or an escape sequence that moves along the line or erases of it: of a progress
    bar its last state is left. Other escape sequences, NULs and controls are taken away. Then secrets are
    replaced, also where the pieces cut one in two: a line is held back until it is complete, or longer than
    a secret is. It is no help against a child that wants to tell one.

    Args:
        redact: replaces secrets in a text.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._redact = redact
        self._raw = ""
        self._line = ""
        self._at = 0

    def feed(self, data: bytes) -> str:
        """The text that is certain now: complete lines."""
        raw = self._raw + self._decode(data)
        found = _UNFINISHED.search(raw, max(0, len(raw) - HELD_MAX))
        cut = found.start() if found else len(raw)
        self._raw = raw[cut:]
        return self._certain(raw[:cut])

    @property
    def open_line(self) -> str:
        """The line that is not complete: a question that waits for input, perhaps."""
        return self._line

    def end(self) -> str:
        """The rest, when nothing more comes."""
        last = self._certain(self._raw + self._decode(b"", final=True)) + self._line
        self._raw = self._line = ""
        self._at = 0
        return last

    def _certain(self, raw: str) -> str:
        raw = _plain(raw)
        at_end = self._at == len(self._line)
        if at_end and _MOVES.search(raw) is None:
            shown = self._line + raw
        else:
            shown, at_end = self._drawn(raw)
        text = self._redact(shown)
        certain = max(text.rfind("\n") + 1, len(text) - SECRET_MAX)
        self._line = text[certain:]
        self._at = len(self._line) if at_end else min(self._at, len(self._line))
        return text[:certain]

    def _drawn(self, raw: str) -> tuple[str, bool]:
        """The open line and what follows it, as it is shown; whether the cursor is at its end."""
        *rows, rest = raw.split("\n")
        done = []
        for row in rows:
            self._write(row)
            done.append(self._line)
            self._line, self._at = "", 0
        self._write(rest)
        return "\n".join((*done, self._line)), self._at == len(self._line)

    def _write(self, row: str) -> None:
        """Write on the open line, from where its cursor is."""
        if self._at == len(self._line) and _MOVES.search(row) is None:
            self._line += row
            self._at += len(row)
            return
        # Redacted before anything is written over it: what is left of a secret would be known by nobody.
        if self._at == len(self._line):
            row, self._line, self._at = self._redact(self._line + row), "", 0
        else:
            row = self._redact(row)
        cells, at = list(self._line), self._at
        for stroke in _STROKES.finditer(row):
            said, count = stroke[0], int(stroke[1] or 0)
            match stroke[2] or (said[0] if said[0] in "\r\b" else ""):
                case "\r":
                    at = 0
                case "\b":
                    at = max(at - len(said), 0)
                case "K" if count == 2:
                    cells.clear()
                case "K":
                    del cells[at if count == 0 else len(cells) :]
                case "G":
                    at = min(max(count - 1, 0), max(len(cells), COLUMNS_MAX))
                case "C":
                    at = min(at + max(count, 1), max(len(cells), COLUMNS_MAX))
                case "D":
                    at = max(at - max(count, 1), 0)
                case _:
                    cells += " " * (at - len(cells))
                    cells[at : at + len(said)] = said
                    at += len(said)
        self._line, self._at = "".join(cells).rstrip(" ") if at < len(cells) else "".join(cells), at


def _plain(text: str) -> str:
    """The text without what is neither text nor moves along a line."""
    if _CONTROL.search(text) is None and "\x1b" not in text:
        return text.replace("\r\n", "\n")
    text = _ESCAPE.sub(lambda found: found[0] if _ON_THE_LINE.fullmatch(found[0]) else "", text)
    return _CONTROL.sub("", text).replace("\r\n", "\n")


class Kept:
    """The beginning and the end of a text of any length.

    Args:
        head, tail: how many characters of each are kept.
    """

    def __init__(self, head: int, tail: int) -> None:
        self._head_max = head
        self._tail_max = tail
        self._head = ""
        self._tail: deque[str] = deque()
        self._tail_length = 0
        self.length = 0

    def add(self, text: str) -> None:
        """More of it."""
        self.length += len(text)
        room = self._head_max - len(self._head)
        if room > 0:
            self._head += text[:room]
            text = text[room:]
        if text:
            self._tail.append(text[-self._tail_max :])
            self._tail_length += len(self._tail[-1])
        while self._tail and self._tail_length - len(self._tail[0]) >= self._tail_max:
            self._tail_length -= len(self._tail.popleft())

    def text(self) -> str:
        """What is kept, with a line where something is missing."""
        tail = "".join(self._tail)[-self._tail_max :]
        missing = self.length - len(self._head) - len(tail)
        return f"{self._head}\n[{missing} characters left out]\n{tail}" if missing else self._head + tail

    def since(self, position: int) -> str:
        """What came at and after a position of the whole text, as far as it is kept."""
        if position <= 0:
            return self.text()
        tail = "".join(self._tail)[-self._tail_max :]
        begins = self.length - len(tail)
        if position >= begins:
            return tail[position - begins :]
        head = self._head[position:]
        missing = begins - max(position, len(self._head))
        return f"{head}\n[{missing} characters left out]\n{tail}" if missing else head + tail


class Lines:
    """Complete lines out of pieces; a longer one is cut at `LINE_MAX` characters."""

    def __init__(self) -> None:
        self._open = ""

    def add(self, text: str) -> list[str]:
        """The lines that are complete now."""
        *complete, rest = (self._open + text).split("\n")
        while len(rest) > LINE_MAX:
            complete.append(rest[:LINE_MAX])
            rest = rest[LINE_MAX:]
        self._open = rest
        return [line[:LINE_MAX] for line in complete]

    def end(self) -> list[str]:
        """The last line, if it was not complete."""
        rest, self._open = self._open, ""
        return [rest] if rest else []


def last_of(text: str, most: int) -> str:
    """The end of a text, at most so many characters, from the beginning of a line where there is one."""
    if len(text) <= most:
        return text
    cut = text[-most:]
    at = cut.find("\n")
    return f"[...]\n{cut[at + 1 :] if 0 <= at < most // 2 else cut}"
