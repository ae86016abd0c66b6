"""What is in the tree is what is installed."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hermes_trio.ports.platform import Adapter
from tests.house.source import ADAPTERS, PYPROJECT, ROOT

ENTRY_POINTS = PYPROJECT["project"]["entry-points"]
PACKAGES = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def points(group):
    return ENTRY_POINTS[f"hermes_trio.{group}"].items()


def load(point):
    module, _, name = point.partition(":")
    return getattr(importlib.import_module(module), name)


def test_each_folder_of_platforms_is_a_package_and_an_entry_point():
    assert set(PACKAGES) == {"hermes_trio", *(f"platforms/{name}" for name in ADAPTERS)}
    assert {point.partition(":")[0] for _, point in points("platforms")} == set(ADAPTERS)
    assert {f"hermes_{name}" for name, _ in points("platforms")} == set(ADAPTERS)


def test_platforms_is_no_package():
    assert not (ROOT / "platforms" / "__init__.py").exists()


@pytest.mark.parametrize(("name", "point"), points("platforms"))
def test_each_platform_is_an_adapter_of_its_name(name, point):
    adapter = load(point)
    assert isinstance(adapter, Adapter)
    assert adapter.name == name
    assert adapter.options.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize(("name", "point"), points("commands"))
def test_each_command_answers_to_its_name(name, point):
    command = load(point)
    assert name in command.names
    assert command.help
    assert "\n" not in command.help
    assert command.role in ("user", "admin")


@pytest.mark.parametrize(("name", "point"), points("tools"))
def test_each_tool_has_its_name_and_says_what_it_takes(name, point):
    tool = load(point)
    assert tool.name == name
    assert tool.description
    assert tool.parameters["type"] == "object"
    assert isinstance(tool.idempotent, bool)


@pytest.mark.parametrize(
    ("group", "folder"), [("commands", "hermes_trio/commands"), ("tools", "hermes_trio/tools")]
)
def test_each_file_of_a_shelf_is_an_entry_point(group, folder):
    offered = {point.partition(":")[0].rpartition(".")[2] for _, point in points(group)}
    files = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__"}
    assert {name for name in files if not name.startswith("_")} == offered


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, env={**os.environ, "NO_COLOR": "1"}, capture_output=True, check=True)
    [path] = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_a_wheel_holds_the_packages_and_nothing_else(wheel):
    tops = {Path(name).parts[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"hermes_trio", *ADAPTERS}
    assert not [name for name in wheel if "__pycache__" in name or "test_" in name]


@pytest.mark.parametrize("package", ["hermes_trio", *ADAPTERS])
def test_a_wheel_says_that_its_packages_are_typed(wheel, package):
    assert f"{package}/py.typed" in wheel


def test_a_wheel_holds_every_module(wheel):
    here = {path.relative_to(ROOT) for path in (ROOT / "hermes_trio").rglob("*.py")}
    here |= {path.relative_to(ROOT / "platforms") for path in (ROOT / "platforms").rglob("*.py")}
    assert {str(path) for path in here} - wheel == set()


def test_a_wheel_brings_its_license(wheel):
    assert [name for name in wheel if name.endswith("licenses/LICENSE")]
