"""Markdown becomes plain text and spans; nothing a user could see is lost."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.pure import markdown
from hermes_trio.pure.chunking import units
from hermes_trio.pure.markdown import RICH_MAX, render, split_markdown

repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=60)
FAMILY = "👨‍👩‍👧‍👦"


def shown(text):
    """The rendered text and what each span covers."""
    [part] = split_markdown(text, limit=1_000_000, unit="char")
    return part.text, [(s.kind, part.text[s.start : s.end], s.value) for s in part.spans]


@pytest.mark.parametrize(
    ("source", "text", "spans"),
    [
        (
            "**b** *i* ~~s~~ `c`",
            "b i s c",
            [("bold", "b", ""), ("italic", "i", ""), ("strike", "s", ""), ("code", "c", "")],
        ),
        ("# Head *it*", "Head it", [("bold", "Head it", ""), ("italic", "it", "")]),
        ("# **b**", "b", [("bold", "b", "")]),
        ("[site](https://a.b/c 'title')", "site", [("link", "site", "https://a.b/c")]),
        ("<https://a.b>", "https://a.b", [("link", "https://a.b", "https://a.b")]),
        ("![alt](https://a.b/i.png)", "alt", [("link", "alt", "https://a.b/i.png")]),
        ("[](https://a.b)", "https://a.b", [("link", "https://a.b", "https://a.b")]),
        ("[file](docs/a.md)", "file (docs/a.md)", []),
        ("```python x\na = 1\n```\nafter", "a = 1\n\nafter", [("pre", "a = 1", "python")]),
        ("```\nunclosed", "unclosed", [("pre", "unclosed", "")]),
        ("> q\n> r\n>> s\n\nafter", "q\nr\n\ns\n\nafter", [("quote", "q\nr\n\ns", "")]),
        ("- a\n- b\n  1. c\n  2. d\n\nafter", "• a\n• b\n  1. c\n  2. d\n\nafter", []),
        ("- a\n\n- b", "• a\n\n• b", []),
        ("7. a\n8. b", "7. a\n8. b", []),
        ("0. a", "0. a", []),
        ("a\n\n---\n\nb", "a\n\n———\n\nb", []),
        ("soft\nbreak  \nhard\\\nback", "soft\nbreak\nhard\nback", []),
        ("a\n\n\n\nb", "a\n\nb", []),
        ("x <b>y</b> <!-- z -->", "x <b>y</b> <!-- z -->", []),
        ("<div>\nblock\n</div>", "<div>\nblock\n</div>", []),
        (r"\*not\* &amp; &lt;", "*not* & <", []),
        ("**open", "**open", []),
        ("`open", "`open", []),
        ("snake_case_name 2*3*4", "snake_case_name 234", [("italic", "3", "")]),
        ("[a]: https://x.y", "[a]: https://x.y", []),
        ("```\n```", "```\n```", []),
        ("see https://x.y/__init__.py.", "see https://x.y/__init__.py.", []),
        ("**https://x.y/_a_**", "https://x.y/_a_", [("bold", "https://x.y/_a_", "")]),
        ("[https://x.y/_a_](https://x.y/)", "https://x.y/_a_", [("link", "https://x.y/_a_", "https://x.y/")]),
        ("", "", []),
        ("half \ud83d pair", "half \ufffd pair", []),
    ],
)
def test_it_reads_as_a_chat_user_expects(source, text, spans):
    assert shown(source) == (text, spans)


def test_a_table_is_preformatted_in_columns_and_its_links_are_written_out():
    text, spans = shown("| a | b |\n|---|:-:|\n| 漢字 | [x](https://u.v) |\n| longer | `c` |")
    assert text == "a      | b\n-------+----------------\n漢字   | x (https://u.v)\nlonger | c"
    assert spans == [("pre", text, "")]


def test_text_without_markdown_never_loads_the_parser():
    code = (
        "import sys; from hermes_trio.pure.markdown import render;"
        "assert render('Hello, world. It is 5 o\\'clock!').text; assert 'markdown_it' not in sys.modules;"
        "render('**x**'); assert 'markdown_it' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@repeatable
@given(
    st.lists(
        st.sampled_from(["word", " ", "\n", ".", "#", "!", "-", ":", ")", "1", "é", FAMILY, "  "]),
        max_size=30,
    ).map("".join)
)
def test_the_fast_path_shows_what_the_parser_would(text):
    if text and markdown._MARKED.search(text) is None:
        assert markdown._rich(text) == render(text)


@repeatable
@given(
    st.lists(
        st.sampled_from(
            [
                "*",
                "**",
                "_",
                "`",
                "```\n",
                "~~",
                "[",
                "](",
                ")",
                "> ",
                "- ",
                "1. ",
                "# ",
                "\n",
                "\n\n",
                "|",
                "\n|-|\n",
                "<",
                "\\",
                "&",
                "    ",
                FAMILY,
                "\x00",
                "!",
                "https://",
            ]
        )
        | st.integers(0, 10**6).map(lambda n: f"word{n} "),
        max_size=60,
    )
)
def test_no_markup_makes_it_raise_or_lose_a_word(pieces):
    part = render("".join(pieces))
    assert all(0 <= s.start < s.end <= len(part.text) for s in part.spans)
    seen = part.text + "".join(s.value for s in part.spans)
    for piece in pieces:
        assert not piece.startswith("word") or piece.strip() in seen


@repeatable
@given(
    st.lists(
        st.sampled_from(
            [
                FAMILY,
                "𝒳𝒴",
                "!.-_*",
                "**bold** ",
                "```py\nx = '👍🏽'\n```\n",
                "\n\n",
                "word " * 20,
                "- item\n",
                "🇩🇪",
                "漢字",
                "`",
            ]
        ),
        min_size=1,
        max_size=60,
    ),
    st.sampled_from([1, 40]),
)
def test_an_emoji_and_punctuation_heavy_answer_of_any_length_fits(pieces, times):
    text = ("".join(pieces) * times)[:50_000]
    whole = render(text)
    parts = split_markdown(text, limit=4092, unit="utf16")
    assert "".join(part.text for part in parts) == whole.text
    for part in parts:
        assert units(part.text, "utf16") <= 4092
        part.text.encode("utf-16-le")  # strict: valid UTF-16
        assert part.text.strip() or not whole.text.strip()


@pytest.mark.parametrize(
    "mark", ["> ", "- ", "> - ", "1. ", "[", "*", "**", "![", "`", "(", "<", "~~", "\\", "&"]
)
def test_an_attack_by_nesting_ends_soon_and_shows_the_text(mark):
    began = time.process_time()
    part = render(mark * (20_000 // len(mark)) + "word")
    assert "word" in part.text
    assert time.process_time() - began < 2


def test_an_over_deep_text_is_shown_as_typed():
    text = "> " * 30 + "deep"
    assert shown(text) == (text, [])


def test_an_over_long_text_is_shown_as_typed():
    text = "**b** " * RICH_MAX
    assert render(text) == markdown.plain(text)


def test_there_is_always_one_part():
    assert [part.text for part in split_markdown("", limit=4092, unit="utf16")] == [""]
    assert [part.text for part in split_markdown("**x**", limit=4092, unit="utf16")] == ["x"]
