"""The documents, taken apart: pages, their fenced blocks, their tables.

A block's role is said by an HTML comment in the line above it:

    <!-- file: FOLDER/NAME -->     a file of an example; the tests put the files together
    <!-- program: NAME -->         a program of its own; a test runs it
    <!-- played: STAGE -->         a terminal; a test plays its command lines and compares
    <!-- not run: WHY -->          nothing is checked

A Python block without one is a test file, and is run by pytest as a reader would. A TOML block without one
is a configuration, and is loaded.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
        *(ROOT / "docs").glob("*.md"),
    ]
)
_ROLE = re.compile(r"<!-- (file|program|played|not run): (.+?) -->")
_ROW = re.compile(r"^\|(.+)\|$")


class Block(NamedTuple):
    """A fenced block.

    Args:
        page: where it stands, from the root.
        line: of its fence.
        language: after the fence, "" for none.
        role, name: what the comment above it says; "" for none.
        text: what it holds.
    """

    page: str
    line: int
    language: str
    role: str
    name: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


@cache
def read(page):
    return (ROOT / page).read_text(encoding="utf-8")


def names():
    """Every page, from the root."""
    return [str(path.relative_to(ROOT)) for path in PAGES]


@cache
def blocks(page):
    """The fenced blocks of a page, in order."""
    found, lines = [], read(page).splitlines()
    start = None
    for number, line in enumerate(lines):
        if not line.startswith("```"):
            continue
        if start is None:
            start = number
            continue
        said = _ROLE.fullmatch(lines[start - 1].strip()) if start else None
        role, name = said.groups() if said else ("", "")
        text = "\n".join(lines[start + 1 : number]) + "\n"
        found.append(Block(page, start + 1, lines[start].removeprefix("```").strip(), role, name, text))
        start = None
    assert start is None, f"{page}:{start}: a block that is not closed"
    return found


def of(language, role=""):
    """Every block of a language and role, on all pages."""
    return [
        block
        for page in names()
        for block in blocks(page)
        if (block.language, block.role) == (language, role)
    ]


def files():
    """Every file that the pages hold, by its name."""
    found = {}
    for page in names():
        for block in blocks(page):
            if block.role == "file":
                assert block.name not in found, f"{block}: {block.name} is there twice"
                found[block.name] = block.text
    return found


def program(name):
    """The text of a program."""
    [block] = [block for block in of("python", "program") if block.name == name]
    return block.text


def prose(page):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)


def table(page, first):
    """The rows below the table head whose first cell is this, as lists of cells."""
    rows, inside = [], False
    for line in read(page).splitlines():
        row = _ROW.match(line)
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row[1])] if row else []
        if inside and not row:
            break
        if inside and not set("".join(cells)) <= set("-: "):
            rows.append(cells)
        inside = inside or bool(cells and cells[0] == first)
    assert rows, f"{page}: no table that begins with {first!r}"
    return rows


def code(cell):
    """What a cell sets as code, each."""
    return re.findall(r"`([^`]+)`", cell)
