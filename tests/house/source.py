"""The project's own files, as text and as syntax trees."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ADAPTERS = sorted(path.name for path in (ROOT / "platforms").glob("*/") if path.name != "__pycache__")

FOLDERS = ("hermes_trio", "platforms", "tests", "docs", ".ci")


def modules(*folders: str) -> list[str]:
    """Python files below these folders, as paths from the root."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(str(path.relative_to(ROOT)) for path in found)


PRODUCT = modules("hermes_trio", "platforms")
CORE = modules("hermes_trio")


def texts() -> Iterator[tuple[str, str]]:
    """Path and text of every file of the project."""
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    paths += [path for path in ROOT.iterdir() if path.name not in (".git", ".coverage")]
    for path in sorted(paths):
        if path.is_file() and "__pycache__" not in path.parts:
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8", errors="replace")


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"), module)


def imported(module: ast.Module) -> Iterator[tuple[int, str, str]]:
    """Each import of a module: line, the local name, and what it is, dotted from the top."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                whole = alias.name if alias.asname else alias.name.partition(".")[0]
                yield node.lineno, alias.asname or whole, alias.name if alias.asname else whole
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, alias.asname or alias.name, f"{node.module}.{alias.name}"


def mentioned(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Each imported thing a module imports or uses: line, and its dotted name from the top."""
    local = {name: whole for _, name, whole in imported(module)}
    for line, _, whole in imported(module):
        yield line, whole
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        if isinstance(node, ast.Attribute) and (dotted := _dotted(node)):
            first, _, rest = dotted.partition(".")
            if first in local:
                yield node.lineno, f"{local[first]}.{rest}"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := _dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""
