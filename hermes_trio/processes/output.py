"""What a process prints: from bytes to text, with moves of the cursor done, bounded, cut into lines."""

from __future__ import annotations

import codecs
import re
from collections import deque

from hermes_trio.processes.terminal_row import DrawnRow
from hermes_trio.text.secret_ranges import Seeks, certain_part

HELD_MAX = 256
SECRET_MAX = 8192
LINE_MAX = 2000

_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]*[0-~])"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)|\x9b[0-?]*[ -/]*)\Z")
_CONTROL = re.compile(r"[\x00-\x07\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_ON_THE_LINE = re.compile(r"\x1b\[[0-9]{0,4}[KGCD]")
_MOVES = re.compile(r"[\r\x08\x1b]")


class Cleaner:
    """Turns a process's bytes into text, piece by piece, as a terminal would show it.

    Bytes are read as UTF-8; others are replaced. A carriage return, a backspace and an escape sequence that
    moves along the line or erases a part of it do what they do in a terminal: what follows is written over
    the line. So only the last state of a progress bar is left. Other escape sequences, NULs and controls are
    taken away.

    Secrets are replaced, also one that two pieces share, and one that is written over later. For that a line
    is held back until it is complete, or longer than any secret; and still longer if a secret may begin at
    its end. This does not help against a process that wants to betray one.
    """

    def __init__(self, secrets: Seeks) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._secrets = secrets
        self._raw = ""
        self._held = ""
        self._drawn: DrawnRow | None = None

    def feed(self, data: bytes) -> str:
        """Take a piece; returns the text that will not change any more: complete lines."""
        raw = self._raw + self._decode(data)
        found = _UNFINISHED.search(raw, max(0, len(raw) - HELD_MAX))
        cut = found.start() if found else len(raw)
        self._raw = raw[cut:]
        self._take(_plain(raw[:cut]))
        held = self._held
        most = len(held) if self._drawn else max(held.rfind("\n") + 1, len(held) - SECRET_MAX)
        if most <= 0:
            return ""
        text, cut = certain_part(held, self._secrets, most)
        self._held = held[cut:]
        return text

    @property
    def open_line(self) -> str:
        """The line that is not complete: perhaps a question that waits for input."""
        return certain_part(self._shown(), self._secrets)[0]

    def end(self) -> str:
        """The rest, when nothing more comes."""
        self._take(_plain(self._raw + self._decode(b"", final=True)))
        last = self._shown()
        self._raw = self._held = ""
        self._drawn = None
        return self._secrets(last)

    def _shown(self) -> str:
        return self._held + (self._drawn.text() if self._drawn else "")

    def _take(self, text: str) -> None:
        if self._drawn is None and _MOVES.search(text) is None:
            self._held += text
            return
        rows = text.split("\n")
        done = [self._held]
        self._held = ""
        for row in rows[:-1]:
            self._write(row, done)
            done += [self._drawn.text() if self._drawn else "", "\n"]
            self._drawn = None
        self._write(rows[-1], done)
        self._held = "".join(done)

    def _write(self, row: str, done: list[str]) -> None:
        """Write on the open line, from its cursor on.

        Args:
            done: the text so far; the beginning of the open line is the end of its last piece.
        """
        if self._drawn is None:
            if _MOVES.search(row) is None:
                done.append(row)
                return
            begins = done[-1].rfind("\n") + 1
            self._drawn = DrawnRow(self._secrets, done[-1][begins:], SECRET_MAX)
            done[-1] = done[-1][:begins]
        done.append(self._drawn.write(row))


def _plain(text: str) -> str:
    """The text without control characters and escape sequences, except for moves along a line."""
    if _CONTROL.search(text) is None and "\x1b" not in text:
        return text.replace("\r\n", "\n")
    text = _ESCAPE.sub(lambda found: found[0] if _ON_THE_LINE.fullmatch(found[0]) else "", text)
    return _CONTROL.sub("", text).replace("\r\n", "\n")


class HeadAndTail:
    """The beginning and the end of a text of any length."""

    def __init__(self, head: int, tail: int) -> None:
        self._head_max = head
        self._tail_max = tail
        self._head = ""
        self._tail: deque[str] = deque()
        self._tail_length = 0
        self.length = 0

    def add(self, text: str) -> None:
        """Append a piece of the text."""
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
        """What is kept. A line says how much is missing in the middle."""
        tail = "".join(self._tail)[-self._tail_max :]
        missing = self.length - len(self._head) - len(tail)
        return f"{self._head}\n[{missing} characters left out]\n{tail}" if missing else self._head + tail

    def since(self, position: int) -> str:
        """What is kept of the text from this position of the whole text on."""
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
    """Makes complete lines of pieces. A line that is longer than `LINE_MAX` characters is cut there."""

    def __init__(self) -> None:
        self._open = ""

    def add(self, text: str) -> list[str]:
        """Take a piece; returns the lines that it completes."""
        *complete, rest = (self._open + text).split("\n")
        while len(rest) > LINE_MAX:
            complete.append(rest[:LINE_MAX])
            rest = rest[LINE_MAX:]
        self._open = rest
        return [line[:LINE_MAX] for line in complete]

    def end(self) -> list[str]:
        """The last line, if it is not complete. Nothing more comes."""
        rest, self._open = self._open, ""
        return [rest] if rest else []


def last_of(text: str, most: int) -> str:
    """The end of a text, at most so many characters. It begins with a whole line if one begins near there."""
    if len(text) <= most:
        return text
    cut = text[-most:]
    at = cut.find("\n")
    return f"[...]\n{cut[at + 1 :] if 0 <= at < most // 2 else cut}"
