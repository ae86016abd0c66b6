"""What is written down is true anywhere: no path of one machine, no index, no promise to do it later."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.house.source import PYPROJECT, ROOT, texts

MADE = (".venv/", ".hypothesis/", "build/", "dist/")
TEXTS = [(path, text) for path, text in texts() if not path.startswith(MADE)]
PRODUCT = [(path, text) for path, text in TEXTS if path.startswith(("hermes_trio/", "platforms/", "docs/"))]

MACHINE = re.compile(r"(?<![\w.}~-])/(?:root|work|workspace|builds|Users)/|/home/(?!ada\b|hermes\b)[a-z]+/")
INDEX = re.compile(r"(?:index[-_]url|find[-_]links)\b|pypi[.]org/simple|^-i ", re.MULTILINE)
LATER = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def test_no_file_names_a_path_of_one_machine():
    here = (f"{ROOT}/", f"{Path.home()}/")
    found = [path for path, text in TEXTS if MACHINE.search(text) or any(place in text for place in here)]
    assert found == []


def test_no_file_names_a_package_index():
    assert [path for path, text in TEXTS if INDEX.search(text)] == []


def test_nothing_is_put_off():
    assert [path for path, text in PRODUCT if LATER.search(text)] == []


def test_versions_are_locked_by_name_and_version_alone():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []


def test_every_dependency_is_locked():
    project = PYPROJECT["project"]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    names = {re.split(r"[>=<\[ ]", each)[0].lower() for group in groups for each in group} - {"hermes-trio"}
    locked = {line.partition("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    assert names - locked == set()


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (MACHINE, "see /" + "root/x"),
        (MACHINE, "'/home/" + "bob/x'"),
        (INDEX, "pip install --index" + "-url x"),
        (INDEX, "https://pypi.org" + "/simple/trio"),
        (LATER, "# TO" + "DO: later"),
    ],
)
def test_each_of_them_would_be_found(pattern, text):
    assert pattern.search(text)
