"""A module is one idea, a function one thought, and the names say which."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.house.source import PRODUCT, ROOT, modules, tree

LINES_MAX = 400
FUNCTION_MAX = 60
NO_NAMES = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}


@pytest.mark.parametrize("module", PRODUCT)
def test_a_module_is_one_idea(module):
    assert len((ROOT / module).read_text(encoding="utf-8").splitlines()) <= LINES_MAX


@pytest.mark.parametrize("module", PRODUCT)
def test_a_function_is_one_thought(module):
    functions = (
        node for node in ast.walk(tree(module)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lengths = {f"{module}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1 for node in functions}
    assert {where: lines for where, lines in lengths.items() if lines > FUNCTION_MAX} == {}


@pytest.mark.parametrize("module", PRODUCT)
def test_a_module_says_what_it_is(module):
    assert ast.get_docstring(tree(module)), "a module begins with the one sentence it promises"


def test_no_name_says_nothing():
    named = {part for module in modules("hermes_trio", "platforms", "tests") for part in Path(module).parts}
    assert {name.removesuffix(".py").strip("_") for name in named} & NO_NAMES == set()


def test_there_is_no_other_folder_at_the_top():
    made = {"build", "dist", "__pycache__"}
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert {name for name in folders - made if not name.endswith(".egg-info")} == {
        "hermes_trio",
        "platforms",
        "tests",
        "docs",
    }


def test_every_folder_of_tests_is_a_package():
    folders = {(ROOT / module).parent for module in modules("tests")}
    assert {
        str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()
    } == set()
