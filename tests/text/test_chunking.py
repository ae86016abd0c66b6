"""Rendered text is cut where a reader would cut it, and never where a platform would refuse it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.text.chunking import split_part, units
from hermes_trio.values.delivery import Part, Span

FAMILY = "👨‍👩‍👧‍👦"
repeatable = settings(derandomize=True, database=None, deadline=None, max_examples=60)
pieces = st.lists(
    st.sampled_from(
        [
            FAMILY,
            "👍🏽",
            "🇩🇪",
            "é",
            "e\u0301",
            "𝒳",
            "漢字。",
            "!.-_*",
            "\n",
            "\n\n",
            " ",
            "word",
            "x" * 40,
            "\t",
            "\r\n",
            "❤️",
        ]
    )
    | st.text(max_size=8),
    min_size=1,
    max_size=80,
)
every_unit = pytest.mark.parametrize("unit", ["char", "utf16", "byte"])


def texts(parts):
    return [part.text for part in parts]


def covered(parts):
    """Each character of the whole text with the set of its formats."""
    for part in parts:
        for at, char in enumerate(part.text):
            yield char, frozenset((s.kind, s.value) for s in part.spans if s.start <= at < s.end)


def test_lengths_are_counted_as_each_platform_counts():
    assert [units("a😀é", unit) for unit in ("char", "utf16", "byte")] == [3, 4, 7]
    assert units(FAMILY, "utf16") == 11


def test_a_text_that_fits_is_one_part_as_it_was():
    part = Part("hello", (Span(0, 5, "bold"),))
    assert split_part(part, limit=5, unit="char") == [part]
    assert split_part(Part(""), limit=4, unit="char") == [Part("")]


def test_a_limit_that_cannot_hold_every_character_is_refused():
    with pytest.raises(ValueError, match="limit of 3"):
        split_part(Part("hello"), limit=3, unit="byte")


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("one two\nthree four\n\nfive six seven", "one two\nthree four\n\n"),
        ("one two three\nfour five six seven", "one two three\n"),
        ("one two three. Four five six seven", "one two three. "),
        ("one two three four five six seven", "one two three four "),
        ("onetwothreefourfivesixseven and on", "onetwothreefourfivesi"),
    ],
)
def test_the_cut_prefers_paragraph_then_line_then_sentence_then_word(text, first):
    assert split_part(Part(text), limit=21, unit="char")[0].text == first


@every_unit
@pytest.mark.parametrize("cluster", [FAMILY, "🇩🇪", "👍🏽", "e\u0301", "❤️", "x\r\n"])
def test_what_is_shown_as_one_character_is_not_cut(cluster, unit):
    text = "a" + cluster * 40 + "b"
    parts = split_part(Part(text), limit=units(cluster, unit) * 3 + 2, unit=unit)
    assert len(parts) > 10
    for part in parts:
        assert part.text.removeprefix("a").removesuffix("b").replace(cluster, "") == ""


def test_one_endless_cluster_is_cut_all_the_same():
    parts = split_part(Part("x" + "\u0301" * 5000), limit=1000, unit="char")
    assert "".join(texts(parts)) == "x" + "\u0301" * 5000
    assert max(map(len, texts(parts))) <= 1000


def test_a_code_block_that_begins_late_moves_whole_into_the_next_part():
    text = "Intro, some words.\n\n" + "code line\n" * 3 + "end"
    part = Part(text, (Span(20, 50, "pre", "python"),))
    first, second = split_part(part, limit=36, unit="char")
    assert first == Part("Intro, some words.\n\n")
    assert second.spans == (Span(0, 30, "pre", "python"),)


def test_a_code_block_longer_than_a_part_is_closed_and_opened_again_at_a_line():
    code = "".join(f"line {n}\n" for n in range(40))
    parts = split_part(Part(code, (Span(0, len(code), "pre", "sh"),)), limit=50, unit="char")
    assert all(part.text.endswith("\n") for part in parts)
    assert all(part.spans == (Span(0, len(part.text), "pre", "sh"),) for part in parts)


def test_a_word_boundary_outside_a_span_wins_over_one_inside():
    part = Part("one two three four five six", (Span(8, 23, "bold"),))
    parts = split_part(part, limit=15, unit="char")
    assert parts == [
        Part("one two "),
        Part("three four ", (Span(0, 11, "bold"),)),
        Part("five six", (Span(0, 4, "bold"),)),
    ]


@every_unit
@pytest.mark.parametrize(
    "text", ["x" * 30 + " " * 500 + "y", " " * 500 + "y", "y" + "\n" * 500, "a\n\n" * 200 + " " * 90]
)
def test_a_run_of_white_space_never_makes_a_blank_part(text, unit):
    parts = split_part(Part(text), limit=40, unit=unit)
    assert all(part.text.strip() for part in parts)
    assert "".join("".join(texts(parts)).split()) == "".join(text.split())


def test_a_blank_text_is_one_part():
    assert len(split_part(Part(" " * 100), limit=10, unit="char")) == 1


@repeatable
@given(
    chunks=pieces,
    unit=st.sampled_from(["char", "utf16", "byte"]),
    limit=st.integers(64, 160),
    marks=st.lists(
        st.tuples(st.integers(0, 400), st.integers(0, 400), st.sampled_from(["bold", "pre"])), max_size=8
    ),
)
def test_any_text_comes_out_whole_and_within_the_limit(chunks, unit, limit, marks):
    text = "".join(chunks).strip() or "x"
    spans = tuple(Span(a, min(b, len(text)), kind) for a, b, kind in marks if a < min(b, len(text)))
    parts = split_part(Part(text, spans), limit=limit, unit=unit)
    assert all(0 < units(part.text, unit) <= limit for part in parts)
    assert all(0 <= s.start < s.end <= len(part.text) for part in parts for s in part.spans)
    assert all(part.text.strip() for part in parts)
    assert list(covered(parts)) == list(covered([Part(text, spans)]))


@every_unit
def test_a_megabyte_takes_linear_time(unit):
    def seconds(text):
        spans = tuple(Span(n, n + 5, "bold") for n in range(0, len(text) - 9, 50))
        began = time.process_time()
        parts = split_part(Part(text, spans), limit=4096, unit=unit)
        spent = time.process_time() - began
        assert "".join(texts(parts)) == text
        return spent

    line = "Grüße 👋🏽, dies ist eine Zeile.\n"
    small = min(seconds(line * 4_000) for _ in range(2))
    assert seconds(line * 32_000) < small * 8 * 4 + 0.1
