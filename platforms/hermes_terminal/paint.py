"""Text as a terminal may safely show it: without control characters, with our own formatting. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.cells import get_character_cell_size

from hermes_trio import Part, Span

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"
    r"\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_TAB = "    "
_STYLES = {"bold": "1", "italic": "3", "strike": "9", "code": "36", "pre": "36", "link": "4", "quote": "2"}


def clean(text: str) -> str:
    """The text without C0 (but line end and tab), DEL, C1, and what turns the order of characters round.

    What a model writes steers no terminal, and what is read is what is there.
    """
    return _CONTROL.sub("", text)


_COLOURED = frozenset({"code", "pre"})


def paint(part: Part, *, ansi: bool, colour: bool = True) -> str:
    """A part as it is printed, without a last line end.

    Args:
        part: what to show. The address of a link follows its text, as nothing can be clicked.
        ansi: format with escape sequences; each line begins and ends unformatted.
        colour: formats may be colours.
    """
    out = []
    for text, spans in _stretches(part):
        kinds = {s.kind for s in spans} - (set() if colour else _COLOURED)
        codes = sorted({_STYLES[kind] for kind in kinds if kind in _STYLES}) if ansi else []
        shown = clean(text)
        if ansi:
            shown = shown.replace("\t", _TAB)
        on, off = (f"\x1b[{';'.join(codes)}m", "\x1b[0m") if codes else ("", "")
        out.append("\n".join(f"{on}{line}{off}" if line else "" for line in shown.split("\n")))
    return "".join(out)


def _stretches(part: Part) -> Iterator[tuple[str, Sequence[Span]]]:
    """The text cut wherever a span begins or ends, and written-out addresses of links."""
    coming = sorted(part.spans, key=lambda s: s.start, reverse=True)
    edges = sorted({0, len(part.text), *(s.start for s in coming), *(s.end for s in coming)})
    now: list[Span] = []
    for start, end in pairwise(edges):
        while coming and coming[-1].start <= start:
            now.append(coming.pop())
        yield part.text[start:end], now
        for span in now:
            if span.end == end and span.kind == "link" and span.value != part.text[span.start : span.end]:
                yield f" ({span.value})", ()
        now = [s for s in now if s.end > end]


def rows(text: str, width: int) -> int:
    """How many rows of a terminal a text without escape sequences takes."""
    return sum(_rows_of_line(line, width) for line in text.split("\n"))


def _rows_of_line(line: str, width: int) -> int:
    if line.isascii():
        return max(1, -(-len(line) // width))
    return len(list(wrap(line, width)))


def wrap(line: str, width: int) -> Iterator[str]:
    """The rows of one line: a wide character that does not fit into the last column begins the next."""
    start, used = 0, 0
    for at, char in enumerate(line):
        cells = get_character_cell_size(char)
        if used + cells > width:
            yield line[start:at]
            start, used = at, 0
        used += cells
    yield line[start:]
