"""The examples of the pages, put together as a reader would: files, packages, tests."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.documents import pages

HERMES = Path(sys.executable).with_name("hermes-trio")


class Examples:
    """A folder with everything the pages hold.

    Attributes:
        source: the files of examples, as the pages name them.
        site: the packages among them, built as wheels and unpacked: what an installation leaves.
        tests: a test file for each Python block without a role, those that the examples bring, and the
            programs, which they may import.
    """

    def __init__(self, folder):
        self.source, self.site, self.tests = (folder / name for name in ("source", "site", "tests"))
        for name, text in pages.files().items():
            path = self.source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for project in self.projects():
            self._install(self.source / project, folder / "wheels")
        self._lay_out_tests()

    def projects(self):
        """The folders that are packages."""
        return sorted(name.partition("/")[0] for name in pages.files() if name.endswith("/pyproject.toml"))

    def _install(self, project, wheels):
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
        done = subprocess.run(build, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        for wheel in wheels.glob(f"{project.name.replace('-', '_')}-*.whl"):
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(self.site)

    def _lay_out_tests(self):
        self.tests.mkdir()
        for name, text in pages.files().items():
            if Path(name).name.startswith("test_") or name == "pytest.ini" or name.endswith(".json"):
                (self.tests / Path(name).name).write_text(text, encoding="utf-8")
        for block in pages.of("python", "program"):  # a test on a page may import one
            (self.tests / block.name).write_text(block.text, encoding="utf-8")
        for block in pages.of("python"):
            name = f"test_{Path(block.page).stem.lower()}_{block.line}.py"
            (self.tests / name).write_text(block.text, encoding="utf-8")

    def run(self, *command, cwd, timeout_s=60, input="", **environ):
        """Run a command where the packages of the examples are installed."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        if (Path(cwd) / "hermes.toml").exists():
            kept["HERMES_TRIO_CONFIG"] = "hermes.toml"
        return subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env={**kept, "HOME": str(cwd), "PYTHONPATH": str(self.site), **environ},
            input=input,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    return Examples(tmp_path_factory.mktemp("examples"))
