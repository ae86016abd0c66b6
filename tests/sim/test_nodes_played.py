"""The simulation plays several nodes on one store; `hermes-trio simulate --nodes 3` plays more."""

from __future__ import annotations

import pytest

from hermes_trio.testing.simulation.draw import draw
from hermes_trio.testing.simulation.plan import (
    Fault,
    Freeze,
    Place,
    Plan,
    Rules,
    Say,
    Stop,
    from_text,
    to_text,
)
from hermes_trio.testing.simulation.play import play
from hermes_trio.testing.simulation.run import totals_of


@pytest.mark.parametrize(("nodes", "seeds"), [(2, range(3)), (3, range(1)), (5, range(1))])
def test_whatever_befalls_nodes_every_invariant_holds(nodes, seeds):
    totals = totals_of(seeds, nodes=nodes)
    for failure in totals.failures:
        print(f"hermes-trio simulate --nodes {nodes} --seeds {failure.seed} --timeline\n{failure.what}")
    assert [failure.seed for failure in totals.failures] == []


def test_a_plan_of_nodes_is_text_and_plays_the_same_from_it():
    plan = draw(3, nodes=2)
    assert from_text(to_text(plan)) == plan
    assert play(from_text(to_text(plan))).timeline == play(plan).timeline


def test_the_timeline_says_which_node_did_what():
    timeline = play(draw(3, nodes=2)).timeline
    assert "  north  world     start boot=1" in timeline
    assert "  south  world     start boot=1" in timeline


GIVEN_AN_ACCOUNT_AS_IT_LEFT = Plan(
    seed=5, rules=Rules(commit_s=0.001), places=(Place("club", "topic", True),), nodes=2
)
FOUND_A_LANE_AS_IT_LEFT = Plan(
    seed=2,
    rules=Rules(heal_after_s=60.0),
    places=(Place("bob"),),
    happenings=(
        Stop(0.0),
        Fault(46.946, "store_slow", {"for_s": 60.0, "delay_s": 3.0}, node=1),
        Say(46.946, 21, "bob"),
    ),
    nodes=2,
)
WRITES_WHEN_IT_IS_OVER = Plan(
    seed=4,
    rules=Rules(commit_s=0.1, heal_after_s=60.0),
    places=(Place("club", None, True), Place("ada"), Place("ada", account="second")),
    happenings=(
        Say(0.0, 2, "ada", 1),
        Stop(0.0, node=1),
        Say(0.305, 3, "ada"),
        Fault(1.305, "store_slow", {"for_s": 60.0, "delay_s": 3.0}),
    ),
    nodes=2,
)
STOPPED_WHEN_IT_IS_OVER = Plan(
    seed=15, places=(Place("ada", "topic"),), happenings=(Freeze(0.0, node=1),), nodes=2
)


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(STOPPED_WHEN_IT_IS_OVER, id="a boot that is over leaves, whatever it was to write last"),
        pytest.param(WRITES_WHEN_IT_IS_OVER, id="a task of a boot that is over is no worker that fails"),
        pytest.param(GIVEN_AN_ACCOUNT_AS_IT_LEFT, id="a boot that drains takes no account that it finds"),
        pytest.param(FOUND_A_LANE_AS_IT_LEFT, id="a boot whose tasks have left wakes no lane that it finds"),
    ],
)
def test_what_once_broke_something(plan):
    played = play(plan)
    assert (played.broken, played.what) == ("", "")
