"""Whatever can be written as an outcome, reason, verdict, state or kind comes about in the simulation."""

from __future__ import annotations

import pytest

from tests.sim.met import CAN_BE, met_in, reason_of

# fmt: off
SEEDS = (
    0, 1, 3, 7, 27, 28, 37, 46, 71, 75, 76, 79, 81, 87, 146, 168, 183, 198, 230, 244, 309, 310, 314,
    319, 336, 351, 360, 372, 385, 394, 408, 429, 447, 449, 493, 499, 529, 542, 549, 554, 591, 957,
    1509, 1543, 2508,
)
# fmt: on
"""They meet all, most of it more than once. Where what is drawn is changed so far that they do not,
`tests/sim/met.py` finds others."""
NEVER = {
    ("part", "odd"): "nobody writes it: it is what the table calls a state that the disk has spoilt",
    ("reason", "no restart here"): "a gateway without a daemon around it says so, and a World restarts",
}


def test_a_few_seeds_meet_every_value_that_can_be_written_and_no_other():
    can = {(what, one) for what, values in CAN_BE.items() for one in values}
    met = set().union(*map(met_in, SEEDS))
    assert sorted(can - met - NEVER.keys()) == []
    assert sorted(met - can) == []
    assert NEVER.keys() <= can - met


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("resumed 12", "resumed"),
        ("limit: the model did not come to an end", "limit"),
        ("silence: as\ntold", "silence"),
        ("ValueError", "an error"),
        ("no_credentials", "no_credentials"),
    ],
)
def test_what_differs_from_one_case_to_the_next_is_no_reason_of_its_own(written, reason):
    assert reason_of(written) == reason
