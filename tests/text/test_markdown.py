"""Markdown becomes plain text and spans; nothing a user could see is lost."""

import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.text import markdown
from hermes_trio.text.chunking import units
from hermes_trio.text.markdown import RICH_MAX, render, split_markdown

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
        ("snake_case_name 2*3*4", "snake_case_name 2*3*4", []),
        ("2. second\n5) fifth\n9) ninth", "2. second\n\n5) fifth\n9) ninth", []),
        ("这是**“重要”**的。", "这是“重要”的。", [("bold", "“重要”", "")]),
        ("**「テスト」**です。", "「テスト」です。", [("bold", "「テスト」", "")]),
        ("서버**는** 답", "서버는 답", [("bold", "는", "")]),
        ("✅**Done**✅", "✅Done✅", [("bold", "Done", "")]),
        (
            "*(a)*, “*b*” and ***c***.",
            "(a), “b” and c.",
            [("italic", "(a)", ""), ("italic", "b", ""), ("bold", "c", ""), ("italic", "c", "")],
        ),
        (r"snake\_case, 1\. a\.b \# \[x\]", "snake_case, 1. a.b # [x]", []),
        ("__two words__", "two words", [("bold", "two words", "")]),
        ("**/start** and **.env**", "/start and .env", [("bold", "/start", ""), ("bold", ".env", "")]),
        ("2+2\n=\n4", "2+2\n=\n4", []),
        ("Head\n===\nmore", "Head\n\nmore", [("bold", "Head", "")]),
        (
            "|a|b|\n|-|-|\n|1|2|3|",
            "a | b\n--+------\n1 | 2 | 3",
            [("pre", "a | b\n--+------\n1 | 2 | 3", "")],
        ),
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


TYPED = [
    "2*3=6 and 4*5=20", "5*4*3*2*1 = 120", "x**2 + y**2", "f(*args, **kwargs)", "g(x)*h(x)*k", "2 * 3 * 4",
    "__init__.py and __main__.py", "call __all__ or __a_b__", "_private_.py", "foo__bar__baz", "_x and _y",
    "rm *.log and ls **/*.py", "cp **/*.py src/**", "int *p, *q; char **argv", "a*b*c", "/*c*/", "https://x.y/a*b*c",
    r"\\server\share\_data", r"C:\_work\!new\*.log", r"\d+\.\d", r"\(x_1\)", r"\[ y^2 \]", r"$\frac{a}{b}$",
    r"\\n", "~5 to ~10", "**Note**s", "a < b > c & d", "#tag", "[1] [ ] [x]", "5) * 6",
]  # fmt: skip


@pytest.mark.parametrize("typed", TYPED)
def test_what_is_no_markup_is_shown_as_typed(typed):
    assert shown(f"x {typed}") == (f"x {typed}", [])


@repeatable
@given(st.lists(st.sampled_from([one for one in TYPED if one != "[1] [ ] [x]"]), min_size=2, max_size=5))
def test_what_is_no_markup_is_shown_as_typed_also_beside_its_like(several):
    text = "x " + ", ".join(several)
    assert shown(text) == (text, [])


@settings(repeatable, max_examples=400)
@given(st.text(st.sampled_from("ab1重 *_~`\\.\n-=+#>|/:!()[]<&;"), max_size=60))
def test_no_letter_and_no_digit_is_lost_whatever_stands_around(text):
    part = render(text)
    said = part.text + "".join(span.value for span in part.spans)
    assert sorted(char for char in set(text) if char.isalnum() and text.count(char) > said.count(char)) == []


def test_a_table_is_preformatted_in_columns_and_its_links_are_written_out():
    text, spans = shown("| a | b |\n|---|:-:|\n| 漢字 | [x](https://u.v) |\n| longer | `c` |")
    assert text == "a      | b\n-------+----------------\n漢字   | x (https://u.v)\nlonger | c"
    assert spans == [("pre", text, "")]


def test_text_without_markdown_never_loads_the_parser():
    code = (
        "import sys; from hermes_trio.text.markdown import render;"
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
