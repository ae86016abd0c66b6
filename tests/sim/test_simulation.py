"""The simulation plays some hundred seeds in each run of the suite; `make sim N=20000` plays more."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hermes_trio.testing.faults import named
from hermes_trio.testing.simulation.chances import FAULTS
from hermes_trio.testing.simulation.draw import draw
from hermes_trio.testing.simulation.facts import Invariant
from hermes_trio.testing.simulation.plan import (
    Command,
    Crash,
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
from hermes_trio.testing.simulation.shrink import Shrinking

FIRST, LAST = map(int, os.environ.get("HERMES_SIM_SEEDS", "0..239").split(".."))
CHUNK = 40


@pytest.mark.parametrize("first", range(FIRST, LAST + 1, CHUNK))
def test_whatever_a_seed_draws_every_invariant_holds(first):
    totals = totals_of(range(first, min(LAST + 1, first + CHUNK)))
    for failure in totals.failures:
        print(f"hermes-trio simulate --seeds {failure.seed} --timeline\n{failure.broken}: {failure.what}")
    assert [failure.seed for failure in totals.failures] == []
    assert all(totals.checks.values()), totals.checks


def elsewhere(hash_seed: str, seeds: str) -> str:
    """The timelines of these seeds, played in another process."""
    code = (
        "from hermes_trio.testing.simulation import draw, play\n"
        f"for seed in {seeds}:\n"
        "    print(play(draw(seed)).timeline)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=80,
    )
    return done.stdout


def test_a_seed_plays_the_same_byte_for_byte_in_another_process_with_another_hash_seed():
    seeds = "range(1, 31)"
    one, other = elsewhere("1", seeds), elsewhere("2", seeds)
    assert len(one) > 100_000
    assert one == other
    assert " at 0x" not in one


def test_a_seed_plays_the_same_whatever_was_played_before_it():
    """Its disk was another's, and so was what is prepared, remembered and uncollected in the process."""
    there, back = range(40, 48), range(47, 39, -1)
    one = {seed: play(draw(seed)).timeline for seed in there}
    other = {seed: play(draw(seed)).timeline for seed in back}
    assert one == other


def test_a_plan_is_text_and_plays_the_same_from_it():
    plan = draw(17)
    assert from_text(to_text(plan)) == plan
    assert play(from_text(to_text(plan))).timeline == play(plan).timeline


def test_every_fault_that_is_drawn_is_one_of_the_kit():
    for name, how, _ in FAULTS:
        named(name, dict.fromkeys(how, 1))


class NobodyIsAnswered(Invariant):
    """What no gateway keeps."""

    name = "nobody"

    def happened(self, event):
        self.check((event.who, event.what) != ("platform", "send"), f"somebody is answered at {event.at}")


class CannotLook(Invariant):
    """A checker that is wrong itself."""

    name = "wrong"

    def changed(self, change):
        raise KeyError("wrong")


HELLO = Plan(happenings=(Say(0.0, 1, "ada"), Say(50.0, 2, "ada")))


def test_what_is_broken_ends_the_play_at_that_event_and_no_part_of_the_gateway_swallows_it():
    played = play(HELLO, [NobodyIsAnswered])
    assert (played.broken, played.what) == ("nobody", "somebody is answered at 0.005")
    assert played.timeline.splitlines()[-1].endswith("world     crash boot=1")
    assert "50.0" not in played.timeline


def test_a_checker_that_raises_is_an_error_and_no_pass():
    assert play(HELLO, [CannotLook]).broken == "error"


def test_nothing_is_broken_by_what_holds():
    played = play(HELLO)
    assert (played.broken, played.what) == ("", "")
    assert "text='re #2.0'" in played.timeline


def long_plan() -> Plan:
    """What breaks it is the third message and the crash; everything else is noise."""
    return Plan(
        seed=5,
        rules=Rules(busy="steer", keys=3, commit_s=0.02, edits=True),
        places=(Place("ada"), Place("bob")),
        happenings=(
            Say(0.0, 1, "ada", 0, ("once",)),
            Command(1.0, 2, "ada", "/new"),
            Say(2.0, 3, "bob", 1, ("once", "sleep:7", "part")),
            Stop(3.0, down_s=1.0),
            Say(4.0, 4, "ada", 0, ("slow",)),
            Crash(5.0, "round", 7, 1.0),
            Command(6.0, 5, "ada", "/status"),
        ),
    )


def breaks(plan: Plan) -> str:
    """Something that needs a message with `part` among its words, keys, and a crash behind it."""
    parts = [one for one in plan.happenings if isinstance(one, Say) and "part" in one.words]
    crashes = [one for one in plan.happenings if isinstance(one, Crash)]
    return "I2" if parts and crashes and plan.rules.keys == 3 else ""


def test_a_plan_that_breaks_something_is_shortened_to_what_breaks_it():
    short = Shrinking(long_plan(), breaks).run()
    assert breaks(short) == "I2"
    assert short.happenings == (Say(0.0, 3, "bob", 1, ("part",)), Crash(0.0, "now", 7))
    assert short.rules == Rules(keys=3)
    assert short == Shrinking(long_plan(), breaks).run()


def test_a_plan_that_breaks_nothing_is_left_alone():
    assert Shrinking(long_plan(), lambda plan: "").run() == long_plan()
