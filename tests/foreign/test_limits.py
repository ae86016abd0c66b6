"""docs/limits.md says what the code does."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from tests.house.source import ROOT

PAGE = (ROOT / "docs/limits.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ([^|]+) \| (\d+)[^|]* \| `([\w.]+)\.([A-Z_]+)` \|", PAGE, re.MULTILINE)


def test_every_row_names_its_constant():
    assert len(ROWS) == PAGE.count("\n| ") - 1


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[3])
def test_a_limit_is_what_the_page_says(row):
    _, number, module, constant = row
    assert getattr(import_module(f"hermes_trio.{module}"), constant) == int(number)
