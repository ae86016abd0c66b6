"""The map of the architecture names what is there: every folder, file, name and task."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cache
from typing import get_args

from hermes_trio.ports.store import Store
from hermes_trio.values.message import TurnState
from tests.documents import pages

PAGE = "docs/architecture.md"
PACKAGE = pages.ROOT / "hermes_trio"
CHECKED_ELSEWHERE = ("make ", "python -m ")


def is_path(name):
    return "/" in name or name.endswith((".py", ".toml"))


def code():
    """What the page sets as code in its sentences, each once."""
    return {name for name in pages.code(pages.prose(PAGE)) if not name.startswith(CHECKED_ELSEWHERE)}


def exists(path, folder=""):
    return any((root / folder / path).exists() for root in (PACKAGE, pages.ROOT))


@cache
def defined():
    """Every name of a module, class, function, argument, attribute or constant, and of a state of turns."""
    names = {*get_args(TurnState), "hermes_trio"}
    for file in PACKAGE.rglob("*.py"):
        names |= {file.stem, file.parent.name}
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                    names.add(node.name)
                case ast.arg():
                    names.add(node.arg)
                case ast.Name(ctx=ast.Store()):
                    names.add(node.id)
    return names


def test_every_file_and_folder_it_names_exists():
    # The column "read first" names files of its row's folder.
    first = {
        name: pages.code(row[0])[0] for row in pages.table(PAGE, "folder") for name in pages.code(row[2])
    }
    named = {name for name in code() if is_path(name)}
    drawn = set(re.findall(r"[a-z_/]+\.py\b", pages.read(PAGE)))
    assert {
        name for name in named | drawn if not exists(name) and not exists(name, first.get(name, "."))
    } == set()


def test_every_name_exists():
    named = {part for name in code() if not is_path(name) for part in name.split(".")}
    assert named - defined() == set()


def test_every_folder_has_its_row():
    rows = {pages.code(row[0])[0] for row in pages.table(PAGE, "folder")}
    folders = {f"{file.parent.name}/" for file in PACKAGE.glob("*/__init__.py")}
    assert rows == {*folders, "errors.py"}


def test_every_promise_of_its_table_is_one_of_the_store():
    promises = {name for row in pages.table(PAGE, "first this is durable") for name in pages.code(row[1])}
    assert promises <= {name for name, _ in inspect.getmembers(Store, inspect.isfunction)}


def test_every_task_that_a_gateway_starts_is_drawn():
    [tree] = [block.text for block in pages.blocks(PAGE) if block.text.startswith("daemon")]
    started = set()
    for folder in ("gateway", "intake", "turns"):
        for file in (PACKAGE / folder).glob("*.py"):
            started |= set(re.findall(r'start_soon\(.+name="([a-z ]+)"', file.read_text(encoding="utf-8")))
    started -= {"limit of the start"}  # it has ended when the gateway is open
    assert started
    assert {name for name in started if name not in tree} == set()
