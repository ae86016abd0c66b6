"""Which key is next, and how long a refused one cooldowns: the table."""

from __future__ import annotations

import pytest

from hermes_trio.errors import ModelFailed
from hermes_trio.models.cooldowns import choose, cooldown_after, free_at, probe
from hermes_trio.values.key_state import Cooldown

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("kind", "told_s", "strikes_before", "cooldown_s"),
    [
        ("quota", None, 0, 600),
        ("quota", 18000.0, 3, 600),
        ("auth", None, 0, 300),
        ("rate_limit", None, 0, 60),
        ("rate_limit", None, 1, 120),
        ("rate_limit", None, 2, 240),
        ("rate_limit", None, 3, 480),
        ("rate_limit", None, 4, 900),
        ("rate_limit", None, 50, 900),
        ("rate_limit", 7.0, 3, 7),
        ("rate_limit", 0.0, 0, 1),
        ("rate_limit", 5000.0, 0, 5000),
        ("overload", None, 0, 60),
    ],
)
def test_it_cools_down(kind, told_s, strikes_before, cooldown_s):
    before = Cooldown(kind, NOW - 500, NOW - 400, strikes_before, NOW - 500) if strikes_before else None
    made = cooldown_after(
        ModelFailed(kind, "no", retry_after_s=told_s), asked_at=NOW - 1, now=NOW, before=before
    )
    assert made == Cooldown(kind, NOW, NOW + cooldown_s, strikes_before + 1, NOW, why="no")


def test_requests_that_were_on_their_way_together_are_one_strike():
    first = cooldown_after(ModelFailed("rate_limit", "no"), asked_at=NOW - 5, now=NOW, before=None)
    second = cooldown_after(ModelFailed("rate_limit", "no"), asked_at=NOW - 4, now=NOW + 1, before=first)
    assert second == first
    told = cooldown_after(
        ModelFailed("rate_limit", "no", retry_after_s=100.0), asked_at=NOW - 4, now=NOW + 1, before=first
    )
    assert (told.strikes, told.until) == (1, NOW + 101)


@pytest.mark.parametrize(
    ("cooldowns", "expected"),
    [
        ([], 0.0),
        ([Cooldown("auth", NOW - 10, NOW + 290, 1, NOW - 10)], NOW + 290),
        ([Cooldown("auth", NOW - 400, NOW - 100, 1, NOW - 400)], 0.0),
        ([Cooldown("auth", NOW + 9, NOW + 309, 1, NOW + 9)], 0.0),
        (
            [Cooldown("auth", NOW, NOW + 300, 1, NOW), Cooldown("rate_limit", NOW, NOW + 900, 5, NOW)],
            NOW + 900,
        ),
    ],
    ids=["none", "cools down", "over", "the clock was set back", "two"],
)
def test_it_is_free_at(cooldowns, expected):
    assert free_at(cooldowns, NOW) == expected


def rest(until_s, tried_s_ago, *, dead=False):
    return [Cooldown("quota", NOW - 100, NOW + until_s, 1, NOW - tried_s_ago, dead=dead)]


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ([], None),
        ([[]], None),
        ([[], rest(500, 10)], None),
        ([rest(-1, 40), rest(500, 10)], None),
        ([rest(500, 10)], (0, NOW + 20)),
        ([rest(4, 10)], (0, NOW + 4)),
        ([rest(500, 40)], (0, NOW - 10)),
        ([rest(500, 40), rest(400, 40)], (1, NOW - 10)),
        ([rest(500, 40), rest(500, 40)], (0, NOW - 10)),
        ([rest(500, 1), rest(400, 40)], (1, NOW + 29)),
        ([rest(500, 40), rest(400, 40, dead=True)], (0, NOW - 10)),
        ([rest(500, 40, dead=True)], None),
    ],
    ids=[
        "no key",
        "ready",
        "a better key",
        "one whose rest is over",
        "one",
        "one, soon over",
        "one, tried long ago",
        "the one whose rest ends first",
        "the first of equals",
        "one was tried just now",
        "a dead one is asked for another secret instead",
        "all dead",
    ],
)
def test_one_of_those_that_all_rest_is_tried_every_half_minute(pool, expected):
    assert probe(pool, NOW) == expected


@pytest.mark.parametrize(
    ("strategy", "usable", "uses", "last", "roll", "expected"),
    [
        ("fill_first", [1, 2], {1: 99}, 1, 0.9, 1),
        ("round_robin", [0, 1, 2], {}, -1, 0.0, 0),
        ("round_robin", [0, 1, 2], {}, 0, 0.0, 1),
        ("round_robin", [0, 2], {}, 1, 0.0, 2),
        ("round_robin", [0, 1], {}, 2, 0.0, 0),
        ("least_used", [0, 1, 2], {0: 3, 1: 1, 2: 1}, 0, 0.0, 1),
        ("least_used", [0, 1, 2], {0: 3, 1: 1}, 0, 0.0, 2),
        ("random", [3, 5, 7], {}, 0, 0.0, 3),
        ("random", [3, 5, 7], {}, 0, 0.999999, 7),
    ],
)
def test_it_chooses(strategy, usable, uses, last, roll, expected):
    assert choose(strategy, usable, uses=uses, last=last, roll=roll) == expected
