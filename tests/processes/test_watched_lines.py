"""Which lines of a process wake somebody."""

from __future__ import annotations

import pytest

from hermes_trio.processes.environment import process_environment
from hermes_trio.processes.watched_lines import Watch, wrong_patterns


def test_a_line_that_holds_a_pattern():
    watch = Watch(["error", "Listening on"])
    assert not watch.look(["all is well"])
    assert watch.look(["fine", "An ERROR occurred", "listening on :80"])
    assert watch.take() == "> An ERROR occurred\n> listening on :80"
    assert not watch.look(["fine"])


def test_many_matches_are_one_short_report():
    watch = Watch(["e"])
    watch.look([f"e{n}" for n in range(10_000)])
    assert watch.take().splitlines() == [*(f"> e{n}" for n in range(10)), "[and 9990 more matching lines]"]


def test_a_pattern_is_no_regular_expression():
    watch = Watch(["(a+)+$", ".*"])
    assert not watch.look(["a" * 100_000 + "b"])
    assert watch.look(["what .* means"])


@pytest.mark.parametrize("patterns", [["x"] * 11, [""], [" "], ["a\nb"], [1], ["x" * 201]])
def test_what_is_no_pattern(patterns):
    assert wrong_patterns(patterns)


def test_patterns():
    assert wrong_patterns([]) is None
    assert wrong_patterns(["error", "x" * 200]) is None


def test_an_environment_built_from_empty():
    own = {
        "PATH": "/bin",
        "HOME": "/home/bot",
        "TELEGRAM_BOT_TOKEN": "secret",
        "TZ": "",
        "HERMES_TRIO_TURN": "9",
    }
    assert process_environment(own, mark="ab", boot=3, session=5, turn=7, process=11) == {
        "PATH": "/bin",
        "HOME": "/home/bot",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "HERMES_TRIO_SESSION": "5",
        "HERMES_TRIO_TURN": "7",
        "HERMES_TRIO_BOOT": "ab.3",
        "HERMES_TRIO_PROCESS": "ab.3.11",
    }
