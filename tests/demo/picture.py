"""The demo as a picture: its lines, and beside them a bar for the life of each process.

What two runs do not have in common is left out: the times, and the numbers of the processes, which are
called A and B. So a picture changes only when the demo says something else. It is read in light and in dark.
"""

from __future__ import annotations

import re
from itertools import count
from typing import NamedTuple
from xml.etree import ElementTree
from xml.sax.saxutils import escape

TITLE = "A conversation that survives kill -9"
LINE_PX, COLUMN_PX, MARGIN_PX, BAR_PX = 20, 7.9, 18, 16
_PROCESS = re.compile(r"(pid |kill -9 )(\d+)")
_SLEPT = re.compile(r"slept (\d+)\.\d+ s")
_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"
  viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<style>
  rect.page {{ fill: #ffffff; stroke: #d0d7de }}
  text {{ font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }}
  .bold {{ font-weight: bold }} .dim {{ fill: #59636e }} .green {{ fill: #116329 }} .cyan {{ fill: #0550ae }}
  .red {{ fill: #b3151f }} rect.life {{ fill: #0969da }} rect.killed {{ fill: #cf222e }}
  @media (prefers-color-scheme: dark) {{
    rect.page {{ fill: #0d1117; stroke: #3d444d }}
    text {{ fill: #f0f6fc }}
    .dim {{ fill: #9198a1 }} .green {{ fill: #4ac267 }} .cyan {{ fill: #79c0ff }} .red {{ fill: #ff7b72 }}
    rect.life {{ fill: #4493f8 }} rect.killed {{ fill: #f85149 }}
  }}
</style>
<rect class="page" x="0.5" y="0.5" width="{inner_width}" height="{inner_height}" rx="8"/>
{bars}
{texts}
</svg>
"""


class Line(NamedTuple):
    """What is told at once, without its time. `style` is a few of: bold, dim, green, cyan, red."""

    text: str
    style: str = ""


def same_each_run(lines: list[Line]) -> list[Line]:
    """The lines with A and B for the processes, and without what was measured."""
    names: dict[str, str] = {}
    letters = map(chr, count(ord("A")))

    def named(found: re.Match[str]) -> str:
        if found[2] not in names:
            names[found[2]] = next(letters)
        return found[1] + names[found[2]]

    return [
        line._replace(text=_SLEPT.sub("slept at least 2 s", _PROCESS.sub(named, line.text))) for line in lines
    ]


def draw(lines: list[Line]) -> str:
    """The picture of such lines, as SVG."""
    width = round(2 * MARGIN_PX + BAR_PX + COLUMN_PX * max(len(line.text) for line in lines))
    height = 2 * MARGIN_PX + LINE_PX * len(lines)
    return _SVG.format(
        title=TITLE,
        width=width,
        height=height,
        inner_width=width - 1,
        inner_height=height - 1,
        bars="\n".join(_bars(lines)),
        texts="\n".join(_text(number, line) for number, line in enumerate(lines)),
    )


def _text(number: int, line: Line) -> str:
    x, y = MARGIN_PX + BAR_PX, MARGIN_PX + LINE_PX * number + 14
    return f'<text x="{x}" y="{y}" class="{line.style}" xml:space="preserve">{escape(line.text)}</text>'


def _bars(lines: list[Line]) -> list[str]:
    """A bar from where a process is ready to where it is killed or has stopped."""
    bars, began = [], 0
    for number, line in enumerate(lines):
        if "the daemon is ready" in line.text:
            began = number
        killed = line.text.startswith("kill -9")
        if killed or line.text.endswith("has stopped"):
            bars.append(_bar("life", began, number))
        if killed:
            bars.append(_bar("killed", number, number))
    return bars


def _bar(kind: str, first: int, last: int) -> str:
    y, height = MARGIN_PX + LINE_PX * first + 1, LINE_PX * (last - first + 1) - 2
    return f'<rect class="{kind}" x="{MARGIN_PX}" y="{y}" width="4" height="{height}" rx="2"/>'


def read(svg: str) -> list[Line]:
    """The lines of a picture. Raises ParseError if it is no XML."""
    texts = ElementTree.fromstring(svg).iterfind("{http://www.w3.org/2000/svg}text")
    return [Line(text.text or "", text.get("class", "")) for text in texts]
