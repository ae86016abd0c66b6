"""What the documents name exists."""

from __future__ import annotations

import os
import re
import subprocess
from importlib import import_module

import pytest

from tests.house.source import PYPROJECT, ROOT, texts

PAGES = [
    (path, text)
    for path, text in texts()
    if path in ("README.md", "CONTRIBUTING.md") or path.startswith("docs/")
]
SLASH_COMMAND = re.compile(r"`/([a-z]+)(?:[ `])")
MADE = re.compile(r'^    names = \("([a-z]+)",\)$', re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
TARGET = re.compile(r"\bmake ([a-z-]+)\b(?=`|$|\s*(?:#|ARGS|PYTHON))", re.MULTILINE)


def named(pattern: re.Pattern[str]) -> set[str]:
    """What the documents name with this pattern."""
    return {found for _, text in PAGES for found in pattern.findall(text)}


def slash_commands() -> set[str]:
    """Every name of a slash command that comes with the package, or that an example makes."""
    points = PYPROJECT["project"]["entry-points"]["hermes_trio.commands"].values()
    modules = (import_module(point.partition(":")[0]) for point in points)
    return {name for module in modules for name in module.command.names} | named(MADE)


def targets() -> set[str]:
    """Every target of the Makefile that a person would name."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    return set(phony.split()) - {"FORCE"}


def test_every_slash_command_in_the_documents_exists():
    assert named(SLASH_COMMAND) - slash_commands() - {"word"} == set()


def test_every_make_target_in_the_documents_exists():
    assert named(TARGET) - targets() == set()


def missing(page: str) -> list[str]:
    """The tests that a page names and that are not there."""
    gone = []
    for path, name in TEST.findall(page):
        file = ROOT / path
        if not file.exists() or (name and f"def {name}(" not in file.read_text(encoding="utf-8")):
            gone.append(f"{path}::{name}")
    return gone


@pytest.mark.parametrize(("path", "text"), PAGES, ids=[path for path, _ in PAGES])
def test_every_test_that_a_document_names_exists(path, text):
    assert missing(text) == []


def test_what_replaced_hermes_mechanisms_is_shown_by_tests():
    page = (ROOT / "docs/from-hermes.md").read_text(encoding="utf-8")
    assert len(TEST.findall(page)) > 20
    assert missing("`tests/house/test_house_documents.py::test_that_is_not_there`")
    for report in ("28686", "28689", "27856", "28576", "29188", "30030", "7536", "9941"):
        assert f"#{report}" in page


def test_the_makefile_says_what_its_targets_are_for():
    """All but those that are not there yet."""
    head = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\n\n")[0]
    assert set(re.findall(r"make ([a-z-]+) ", head)) >= targets() - {"sim", "mutants"}


def test_the_whole_suite_says_how_long_it_takes_and_a_part_of_it_does_not():
    def told(*words):
        environ = {"PATH": os.environ["PATH"]}  # and not what an outer make was told
        done = subprocess.run(
            ["make", "-n", "test", *words], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
        )
        return "minutes on two cores" in done.stdout

    assert told()
    assert not told("ARGS=tests/turns")


@pytest.mark.parametrize("text", ["`/new`", "`/queue TEXT` is"])
def test_a_slash_command_is_seen(text):
    assert SLASH_COMMAND.findall(text)


@pytest.mark.parametrize("text", ["`make test`", "    make lint\n", 'make test ARGS="tests/sim"'])
def test_a_make_target_is_seen(text):
    assert TARGET.findall(text)
