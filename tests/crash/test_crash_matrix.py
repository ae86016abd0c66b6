"""kill -9 at each of K1 to K9, each with a turn of another shape. `make crash N=200` runs all, at length."""

from __future__ import annotations

from random import Random

import pytest

from tests.crash.matrix import RUNS, SHAPES, Tally, drawn, run, seen, table
from tests.crash.points import POINTS

DIAGONAL = [
    (point, list(SHAPES)[(n + 1) % len(SHAPES)] if point != "K5" else "tools")
    for n, point in enumerate(POINTS)
]


@pytest.mark.parametrize(("point", "shape"), DIAGONAL)
async def test_killed_there_nothing_is_lost_and_a_repeat_is_marked(stage, point, shape):
    tally = await run(stage, point, SHAPES[shape])
    assert tally.lost == 0
    assert tally.duplicated == tally.marked <= 1


@pytest.mark.parametrize(
    ("shown", "tally"),
    [
        (["you said: hello"], Tally(1)),
        ([], Tally(1, lost=1)),
        (["you said: hello", "you said: hello"], Tally(1, duplicated=1)),
        (["you said: hello", "you said: hello ↻"], Tally(1, duplicated=1, marked=1)),
        (["you said: hello ↻"], Tally(1)),
    ],
)
def test_what_is_counted(shown, tally):
    assert seen(shown, SHAPES["short"]) == tally


def test_a_part_that_is_missing_is_lost():
    whole = ["you said: many one; aaaa", "bbbb", "cccc"]
    assert seen(whole, SHAPES["many parts"]) == Tally(1)
    assert seen(whole[:2], SHAPES["many parts"]) == Tally(1, lost=1)


def test_what_is_drawn_reaches_every_point_with_every_shape_that_reaches_it():
    assert {drawn(Random(seed)) for seed in range(1000)} == set(RUNS)


def test_the_table_adds_up():
    lines = table({"K1": Tally(2, 1, 1, 0), "K2": Tally(3, 0, 1, 1)}).splitlines()
    assert lines[-1] == "| all | 5 | 1 | 2 | 1 |"
