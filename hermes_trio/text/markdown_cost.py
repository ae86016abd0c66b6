"""What rendering a markdown text will cost, told before it is done, and where a long one may be cut.

The parser takes linear time in prose and up to a thousand times that in brackets, quotes and tables. So a
text has a budget, which grows as the text does: what would go beyond it is shown as typed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

US_PER_CHAR = 16
"""A text may take so long for each of its characters, in microseconds of an ordinary machine. Densely
formatted prose takes 3, a list of words and a table of numbers 13."""
LEAST_US = 5_000
"""So long every text may take."""

_SIGNS = {"[": 40, "*": 6, "_": 6, "`": 6, "~": 6, "<": 6, "&": 10, "\\": 3, "|": 2, "\n": 12}
_ITEM = re.compile(r"^[ \t>]{0,80}(?:[-+*#]|\d{1,9}[.)])[ \t]", re.MULTILINE)
_ITEM_US = 40
_QUOTED = re.compile(r"^[ \t]{0,3}>[> \t]{0,80}", re.MULTILINE)
_LEVEL_US = 6
_RULED = re.compile(r"^[ \t>]{0,80}+\|?[ \t]*+:?-(?=[-: \t]*+\|)[-: \t|]*+$", re.MULTILINE)
"""Nothing in it is tried twice: a line of a model's may be all of it but its last character."""
_CELL_US = 20
_EDGE = re.compile(r"\n[ \t]*\n(?=[^\s])")
_FENCE = re.compile(r"^(?P<indent> {0,3})(?P<mark>`{3,}|~{3,})(?P<info>[^\n]*)", re.MULTILINE)


def budget_us(text: str) -> int:
    """How long rendering it may take, in microseconds."""
    return LEAST_US + US_PER_CHAR * len(text)


def cost_us(text: str) -> int:
    """About how long it takes, in microseconds; never much less than it does. Takes linear time."""
    lines = text.count("\n") + 1
    fenced = _fenced(text)
    if fenced:
        ends = [0, *(at for pair in fenced for at in pair), len(text)]
        text = "\n".join(text[a:b] for a, b in zip(ends[::2], ends[1::2], strict=True))
    cost = lines + len(text) // 4 + sum(us * text.count(sign) for sign, us in _SIGNS.items())
    cost += _ITEM_US * len(_ITEM.findall(text))
    if ">" in text:
        deepest = max((run.count(">") for run in _QUOTED.findall(text)), default=0)
        cost += _LEVEL_US * deepest * (text.count("\n") + 1)
    if "|" in text:
        cost += sum(map(_table_us, re.split(r"\n[ \t]*\n", text)))
    return cost


def _table_us(block: str) -> int:
    """Each row of a table has as many cells as its head, however short it is typed."""
    ruled = _RULED.search(block)
    if ruled is None:
        return 0
    return _CELL_US * (ruled.group().count("|")) * (block.count("\n", ruled.end()) + 2)


def blocks(text: str) -> Iterator[str]:
    """The text cut at blank lines before what is neither indented nor in a fence: each stands for itself."""
    start = at = 0
    fenced = _fenced(text)
    for edge in (found.end() for found in _EDGE.finditer(text)):
        while at < len(fenced) and fenced[at][1] < edge:
            at += 1
        if at == len(fenced) or edge <= fenced[at][0]:
            yield text[start:edge]
            start = edge
    yield text[start:]


def _fenced(text: str) -> list[tuple[int, int]]:
    """From where to where a fence that begins at the edge reaches. One in a list counts as text."""
    found = []
    start, opened = 0, ""
    for fence in _FENCE.finditer(text):
        mark, info = fence["mark"], fence["info"]
        if opened and mark.startswith(opened) and not info.strip():
            found.append((start, fence.end()))
            opened = ""
        elif not opened and not fence["indent"] and not (mark[0] == "`" and "`" in info):
            start, opened = fence.end(), mark
    if opened:
        found.append((start, len(text)))
    return found
