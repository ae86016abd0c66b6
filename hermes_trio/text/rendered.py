"""A text under construction: what is written down, in which format, with how much space between."""

from __future__ import annotations

import unicodedata
from typing import Literal

from hermes_trio.text.links import spelled
from hermes_trio.text.sanitize import shows
from hermes_trio.values.delivery import Part, Span

SpanKind = Literal["bold", "italic", "strike", "code", "pre", "link", "quote", "spoiler"]

_COLUMN_MAX = 40


def plain(text: str) -> Part:
    """The text as typed, without blank lines around it."""
    return Part(text.strip("\r\n").rstrip())


class PartWriter:
    """Builds a part.

    Args:
        links: a link is a span; False where spans cannot be: its address is then written out.
    """

    def __init__(self, *, links: bool = True) -> None:
        self._links = links
        self._out: list[str] = []
        self._size = 0
        self._pending = 0
        self._opened: list[tuple[SpanKind, int, int, str]] = []
        self._spans: list[Span] = []
        self._widths: list[int] = []
        self._table: list[list[PartWriter]] | None = None

    def part(self) -> Part:
        """What was written."""
        spans = sorted(self._spans, key=lambda s: (s.start, -s.end))
        return Part("".join(self._out), tuple(spans))

    def gap(self, newlines: int) -> None:
        """Put at least so many line ends before whatever is written next."""
        self._pending = max(self._pending, newlines)

    def write(self, text: str) -> None:
        """Write a piece of a line."""
        self._flush(self._indent())
        self._emit(text)

    def block(self, text: str) -> None:
        """Write a line that stands alone."""
        self.write(text)
        self.gap(2)

    def open(self, kind: SpanKind, value: str = "") -> None:
        """Begin a span here."""
        self._flush(self._indent())
        self._opened.append((kind, self._size, len(self._out), value))

    def close(self, kind: SpanKind) -> None:
        """End the innermost span, which is of this kind. One inside another of its kind adds nothing."""
        opened, start, piece, value = self._opened.pop()
        assert opened == kind
        inner = any(outer[0] == kind for outer in self._opened)
        if kind == "link" and not inner:
            self._close_link(start, "".join(self._out[piece:]), value)
        elif start < self._size and not inner:
            self._spans.append(Span(start, self._size, kind, value))

    def _close_link(self, start: int, text: str, url: str) -> None:
        if not shows(text):
            self.write(url)
            text = url
        if self._links and url:
            self._spans.append(Span(start, self._size, "link", url))
        else:
            self._emit(spelled(text, url))

    def pre(self, text: str, language: str) -> None:
        """Write preformatted text: not indented, so that it can be copied as it is."""
        self.gap(1)
        self._flush("")
        text = text.removesuffix("\n")
        if text:
            self._spans.append(Span(self._size, self._size + len(text), "pre", language))
            self._emit(text)
        self.gap(1 if self._widths else 2)

    def open_list(self) -> None:
        """Begin a list."""
        self._widths.append(0)

    def item(self, mark: str) -> None:
        """Begin the next item of the innermost list behind its mark."""
        self._widths[-1] = 0
        self._flush(self._indent())
        self._emit(mark)
        self._widths[-1] = len(mark)

    def close_list(self) -> None:
        """End the innermost list."""
        self._widths.pop()
        self.gap(1 if self._widths else 2)

    def open_table(self) -> None:
        """Begin a table; until its end `here` is the cell that is written to."""
        self._table = []

    def row(self) -> None:
        """Begin a row."""
        assert self._table is not None
        self._table.append([])

    def cell(self) -> None:
        """Begin a cell."""
        assert self._table is not None
        self._table[-1].append(PartWriter(links=False))

    @property
    def here(self) -> PartWriter:
        """What text goes to: the open cell of a table, else this."""
        return self._table[-1][-1] if self._table else self

    def close_table(self) -> None:
        """Write the table as preformatted text."""
        assert self._table is not None
        rows = [[cell.part().text for cell in row] for row in self._table]
        self._table = None
        self.pre(_table(rows), "")

    def _indent(self) -> str:
        return " " * sum(self._widths)

    def _flush(self, indent: str) -> None:
        if self._pending and self._size:
            self._emit("\n" * self._pending + indent)
        self._pending = 0

    def _emit(self, text: str) -> None:
        self._out.append(text)
        self._size += len(text)


def _table(rows: list[list[str]]) -> str:
    widths = [min(max(map(_width, column)), _COLUMN_MAX) for column in zip(*rows, strict=False)]
    lines = [
        " | ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)
        ).rstrip()
        for row in rows
    ]
    lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(lines)


def _width(text: str) -> int:
    """The columns a text takes in a fixed-width font, roughly."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
