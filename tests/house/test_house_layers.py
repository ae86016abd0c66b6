"""Imports run downward, and an adapter knows the public names only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

import hermes_trio
from tests.house.source import ADAPTERS, ROOT, imported, modules, tree

CHECK = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint_imports(root):
    """Check the contracts on the tree at `root`: (exit status, what it says)."""
    command = [sys.executable, "-c", CHECK, "--no-cache", "--no-logo", "--config", "pyproject.toml"]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join((str(root), str(root / "platforms")))}
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_imports_run_downward():
    status, said = lint_imports(ROOT)
    assert status == 0, said


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("hermes_trio/text/nearest.py", "import hermes_trio.gateway", "The river runs downward"),
        ("hermes_trio/turns/sessions.py", "import hermes_trio.delivery.outbox", "The river runs downward"),
        ("hermes_trio/newcomer.py", "", "The river runs downward"),
        ("hermes_trio/text/nearest.py", "import trio", "Decisions have no loop"),
        ("hermes_trio/commands/__init__.py", "import hermes_trio.runtime.workers", "Shelves stand on"),
        ("hermes_trio/store/promises/claims.py", "import hermes_trio.store.sqlite", "A store is promises"),
        ("hermes_trio/http/client.py", "import asyncio", "There is one loop"),
        ("hermes_trio/config/load.py", "import hermes_telegram", "The core knows no adapter"),
        (
            "platforms/hermes_terminal/__init__.py",
            "import hermes_telegram",
            "Adapters do not know one another",
        ),
    ],
)
def test_an_import_against_the_river_is_found(tmp_path, module, line, broken):
    for folder in ("hermes_trio", "platforms"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a") as file:
        file.write(f"\n{line}\n")
    status, said = lint_imports(tmp_path)
    assert status != 0
    assert [each for each in said.splitlines() if each.startswith(broken) and "BROKEN" in each], said


@pytest.mark.parametrize("module", modules(*(f"platforms/{name}" for name in ADAPTERS)))
def test_an_adapter_imports_public_names_only(module):
    core = (whole for _, _, whole in imported(tree(module)) if whole.split(".")[0] == "hermes_trio")
    assert [name for name in core if name.removeprefix("hermes_trio.") not in hermes_trio.__all__] == []
