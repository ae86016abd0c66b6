"""The picture of the README is what the demo tells. tests/demo compares it with a real run."""

from __future__ import annotations

from tests.demo.__main__ import ANSWER, WISH
from tests.demo.picture import Line, draw, read, same_each_run
from tests.documents import pages

PICTURE = "docs/picture.svg"


def texts(lines):
    return [line.text.strip() for line in lines]


def test_the_readme_shows_the_picture_and_the_makefile_makes_it():
    assert f"]({PICTURE})" in pages.prose("README.md")
    assert f"-m tests.demo {PICTURE}\n" in pages.read("Makefile")


def test_the_picture_is_drawn_as_pictures_are_now():
    assert draw(read(pages.read(PICTURE))) == pages.read(PICTURE), "make picture"


def test_the_picture_holds_what_was_asked_and_the_whole_answer():
    told = texts(read(pages.read(PICTURE)))
    asked = [line.removeprefix("step ").partition(": ")[2] for line in told if line.startswith("step ")]
    wishes = [line.removeprefix("!tool ") for line in WISH.splitlines()[:-1]]
    assert asked[: len(wishes)] == wishes
    begins = told.index("the answer:") + 1
    assert told[begins : begins + len(ANSWER.splitlines())] == ANSWER.splitlines()
    assert "kill -9 A" in told


def run(first, second, slept):
    """Some lines of a run, with its processes and what was measured in it."""
    return [
        Line(f"the daemon is ready: pid {first}", "bold"),
        Line(f"step 1 is done: the stamp 'first', by pid {first}"),
        Line(f"kill -9 {first}", "bold red"),
        Line(f"the daemon is ready: pid {second}", "bold"),
        Line(f"step 4 slept {slept} s in all, the kill included", "green"),
    ]


def test_two_runs_make_one_picture():
    lines = same_each_run(run(1, 4, "2.0"))
    assert lines == same_each_run(run(31_337, 77, "11.9"))
    assert texts(lines) == [
        "the daemon is ready: pid A",
        "step 1 is done: the stamp 'first', by pid A",
        "kill -9 A",
        "the daemon is ready: pid B",
        "step 4 slept at least 2 s in all, the kill included",
    ]


def test_what_is_told_is_text_in_a_picture():
    lines = [Line('<b> & "c"', "dim"), Line("    it's", "bold red")]
    assert read(draw(lines)) == lines
