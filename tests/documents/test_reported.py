"""Each test that a page names is there, and the pages that list what people reported name one in each row."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.documents import pages

TABLES = (
    ("docs/telegram.md", "reported of what comes"),
    ("docs/telegram.md", "reported of what goes out"),
    ("docs/terminal.md", "reported"),
)
NAMED = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
PAGES = sorted(str(path.relative_to(pages.ROOT)) for path in (pages.ROOT / "docs").glob("*.md"))
ROWS = [row for page, head in TABLES for row in pages.table(page, head)]


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:60] for row in ROWS])
def test_each_report_has_a_test(row):
    assert len(row) == 3
    assert all(NAMED.fullmatch(one) for one in pages.code(row[2]))
    assert pages.code(row[2])


@cache
def names_in(path):
    tree = ast.parse((pages.ROOT / path).read_text())
    return {node.name for node in tree.body if hasattr(node, "name")}


@pytest.mark.parametrize("page", PAGES)
def test_each_test_that_a_page_names_is_there(page):
    for path, name in NAMED.findall((pages.ROOT / page).read_text()):
        assert name in names_in(path), f"{path}::{name}"
