"""The pages that list what people reported name tests that there are."""

from __future__ import annotations

import ast

import pytest

from tests.documents import pages

TABLES = (
    ("docs/telegram.md", "reported of what comes"),
    ("docs/telegram.md", "reported of what goes out"),
    ("docs/terminal.md", "reported"),
)
ROWS = [row for page, head in TABLES for row in pages.table(page, head)]


@pytest.mark.parametrize("row", ROWS, ids=[row[0][:60] for row in ROWS])
def test_each_report_has_a_test(row):
    assert len(row) == 3
    shown = pages.code(row[2])
    assert shown
    for one in shown:
        path, _, name = one.partition("::")
        tree = ast.parse((pages.ROOT / path).read_text())
        assert name in {node.name for node in tree.body if hasattr(node, "name")}
