"""However markdown is written, rendering it ends soon, and what cannot be rendered soon is shown as typed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hermes_trio.runtime.splitting import SHORT
from hermes_trio.text.markdown import RICH_MAX, render, split_markdown
from hermes_trio.text.markdown_cost import blocks, budget_us, cost_us

HOSTILE = {
    "brackets": lambda n: "[" * n,
    "images": lambda n: "![" * (n // 2),
    "links": lambda n: "[a](" * (n // 4),
    "addresses": lambda n: "[a](<b" * (n // 6),
    "nested brackets": lambda n: "[" * (n // 2) + "]" * (n // 2),
    "emphasis": lambda n: "*a_" * (n // 3),
    "stars": lambda n: "*" * n,
    "bold": lambda n: "**a " * (n // 4),
    "code": lambda n: "`a " * (n // 3),
    "runs of backquotes": lambda n: " ".join("`" * k for k in range(1, int((2 * n) ** 0.5))),
    "tags": lambda n: "<a " * (n // 3),
    "entities": lambda n: "&#1" * (n // 3),
    "backslashes": lambda n: "\\" * n,
    "quotes": lambda n: ">" * 20 + "a\n" * (n // 2),
    "items": lambda n: "- a\n" * (n // 4),
    "nested items": lambda n: "".join("  " * (k % 10) + "- a\n" for k in range(n // 12)),
    "numbers": lambda n: "1. a\n" * (n // 5),
    "a wide table": lambda n: "|" + "a|" * (n // 4) + "\n|" + "-|" * (n // 4) + "\n",
    "a long table": lambda n: "|a|b|c|\n|-|-|-|\n" + "|1|2|3|\n" * (n // 8),
    "short rows": lambda n: "|" + "a|" * 500 + "\n|" + "-|" * 500 + "\n" + "|x\n" * (n // 3),
    "nearly a rule": lambda n: "-|" * (n // 2) + "x",
    "rules that are none": lambda n: (" " * 40 + "-|" * 40 + "x\n") * (n // 122),
    "spaces and a rule": lambda n: "a|\n" + " " * (n - 5) + "-",
    "headings": lambda n: "a\n===\n" * (n // 6),
    "fences": lambda n: "```x\n" * (n // 5),
    "a fence in an item": lambda n: "- a\n  ```\nx " + "![" * (n // 2),
    "flags": lambda n: "🇩🇪" * (n // 2),
    "prose": lambda n: "some **bold** and `code` [a](http://b.c) " * (n // 41),
    "paragraphs": lambda n: "some **bold** and `code` [a](http://b.c)\n\n" * (n // 42),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_rendering_ends_soon(kind):
    for size in (SHORT, 15_000, 63_000):
        text = HOSTILE[kind](size)
        # 0.02 s in the loop and 0.6 s beside it, where nothing else runs; it was minutes.
        most = 0.05 + size * 40e-6
        for _ in range(3):
            began = time.process_time()
            parts = split_markdown(text, limit=4092, unit="utf16")
            took = time.process_time() - began
            if took < most:
                break
        assert took < most
        assert len(parts) <= 2 * len(text.encode("utf-16-le")) // 2 // 4092 + 2


@given(some.text(alphabet="ab \n`~-*|>[1.", max_size=200))
def test_the_blocks_are_the_text(text):
    assert "".join(blocks(text)) == text


def test_what_would_take_too_long_is_shown_as_typed_and_the_rest_is_rendered():
    honest = "One **bold** word and `code`, [a](http://b.c).\n\n" * 100
    text = honest + HOSTILE["short rows"](20_000) + "\n\n" + honest
    part = render(text)
    assert part.text.startswith("One bold word and code, a.\n\nOne bold word")
    assert part.text.endswith("One bold word and code, a.")
    assert "|-|-|-|" in part.text
    bold = [span for span in part.spans if span.kind == "bold"]
    assert len(bold) == 200
    assert {part.text[span.start : span.end] for span in bold} == {"bold"}


CODE = "```python\n" + "for i in range(10):\n    print(a[i], b_c, *d)\n" * 150 + "```\n\n"
DENSE = {
    "a report": "## A heading\n\nSome **bold** words.\n\n- an item with `code`\n- another\n\n" + CODE,
    "items": "- an item with **bold** words and `code`\n",
    "paragraphs": "One **bold** word and `code`, [a](http://b.c).\n\n",
    "a table of numbers": "\n| a | b | c |\n|---|---|---|\n" + "| 1 | **2** | 3 |\n" * 40,
    "short items": "- **a**\n",
}


@pytest.mark.parametrize("kind", DENSE)
def test_an_honest_long_answer_is_rendered_whole(kind):
    text = DENSE[kind] * ((RICH_MAX - 1) // len(DENSE[kind]))
    assert len(text) > 50_000
    assert cost_us(text) < budget_us(text)
    assert "**" not in render(text).text


def test_a_table_that_is_too_wide_is_shown_as_typed():
    text = HOSTILE["short rows"](15_000)
    parts = split_markdown(text, limit=4092, unit="utf16")
    assert "".join(part.text for part in parts).split() == text.split()
    assert len(parts) <= 6
