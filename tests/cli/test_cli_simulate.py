"""`hermes-trio simulate`: what it prints, and with which exit code."""

from __future__ import annotations

from hermes_trio.testing.simulation.draw import draw
from hermes_trio.testing.simulation.plan import to_text


async def test_seeds_are_played_and_counted(run):
    done = await run("simulate", "--seeds", "1..3", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    assert "| seeds | 3 |" in done.stdout
    assert "| I12 | " in done.stdout
    assert "never met: " in done.stdout


async def test_the_timeline_of_one_seed(run):
    done = await run("simulate", "--seeds", "3", "--timeline")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith("world     start boot=1")


async def test_a_saved_plan_is_played(run, tmp_path):
    (tmp_path / "plan.json").write_text(to_text(draw(3)))
    done = await run("simulate", "--plan", str(tmp_path / "plan.json"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("nothing is broken\n")


async def test_what_is_no_plan_and_what_are_no_seeds_is_said(run, tmp_path):
    (tmp_path / "plan.json").write_text('{"seed": "one"}')
    done = await run("simulate", "--plan", str(tmp_path / "plan.json"))
    assert done.returncode == 1
    assert "plan.json: Expected `int`, got `str` - at `$.seed`" in done.stderr
    done = await run("simulate", "--plan", str(tmp_path / "none.json"))
    assert done.returncode == 1
    assert "none.json" in done.stderr
    done = await run("simulate", "--seeds", "9..1")
    assert done.returncode == 2
    assert "the first and the last" in done.stderr
