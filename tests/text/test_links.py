"""No address of a link is lost: a span where the platform makes a link of it, else in the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.text.chunking import units
from hermes_trio.text.links import write_out
from hermes_trio.text.markdown import split_markdown
from hermes_trio.values.delivery import Part, Span


def web(url):
    return url.startswith("https://")


def shown(source, **more):
    parts = split_markdown(source, limit=4092, unit="utf16", takes_link=web, **more)
    return [(part.text, [(s.kind, part.text[s.start : s.end]) for s in part.spans]) for part in parts]


@pytest.mark.parametrize(
    ("source", "text", "spans"),
    [
        ("See [it](vscode://file/x.py:12).", "See it (vscode://file/x.py:12).", []),
        ("**[app](http://localhost:3000)**!", "app (http://localhost:3000)!", [("bold", "app")]),
        (
            "[a **b** c](x:y) and [d](https://e.f)",
            "a b c (x:y) and d",
            [("bold", "b"), ("link", "d")],
        ),
        ("<mailto:me@x.org> <me@x.org>", "mailto:me@x.org me@x.org", []),
        ("[\u200b](https://a.b)", "\u200bhttps://a.b", [("link", "\u200bhttps://a.b")]),
        ("[file](docs/a.md)", "file (docs/a.md)", []),
        ("[x]()", "x", []),
    ],
)
def test_an_address_that_is_no_link_there_stands_behind_its_words(source, text, spans):
    assert shown(source) == [(text, spans)]


def test_a_link_past_the_most_spans_stands_in_the_text_and_formatting_gives_way_to_links():
    source = "**b** " + " ".join(f"[w{n}](https://x.y/{n})" for n in range(6))
    [(text, spans)] = shown(source, spans_max=4)
    assert text == "b w0 w1 w2 w3 w4 (https://x.y/4) w5 (https://x.y/5)"
    assert spans == [("link", f"w{n}") for n in range(4)]


def test_links_that_are_written_out_leave_no_part_too_long():
    source = " ".join(f"[word{n}](https://example.org/a/rather/long/path/{n})" for n in range(300))
    parts = split_markdown(source, limit=4092, unit="utf16", takes_link=web, spans_max=100)
    assert all(units(part.text, "utf16") <= 4092 and len(part.spans) <= 100 for part in parts)
    said = "".join(part.text for part in parts)
    linked = {span.value for part in parts for span in part.spans}
    assert all(
        f"({url})" in said or url in linked
        for url in (f"https://example.org/a/rather/long/path/{n}" for n in range(300))
    )


def test_what_has_no_room_is_left_out():
    part = Part("a b", (Span(0, 1, "link", "x:1"), Span(2, 3, "link", "x:2")))
    assert write_out(part, lambda span: False, room=6) == Part("a (x:1) b")


spans = st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from(["bold", "link"]))


@settings(derandomize=True, database=None, max_examples=200)
@given(st.text("ab \n😀", min_size=30, max_size=30), st.lists(spans, max_size=6))
def test_other_spans_cover_what_they_covered(text, found):
    made = tuple(Span(min(a, b), max(a, b) + 1, k, f"u:{n}") for n, (a, b, k) in enumerate(found))
    made = tuple(s for s in made if s.end <= 30)
    spelt = write_out(Part(text, made), lambda span: False)
    kept = [s for s in made if s.kind != "link"]
    assert len(spelt.spans) == len(kept)
    added = [f" (u:{n})" for n in range(len(found))]
    for before, after in zip(kept, spelt.spans, strict=True):
        covered = spelt.text[after.start : after.end]
        for said in added:
            covered = covered.replace(said, "")
        assert covered == text[before.start : before.end]
