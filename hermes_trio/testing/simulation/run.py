"""Plays many seeds on several processes, and says what came of it."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from hermes_trio.testing.simulation.draw import draw
from hermes_trio.testing.simulation.plan import Plan, from_text, to_text
from hermes_trio.testing.simulation.play import Played, play
from hermes_trio.testing.simulation.report import Failure, Totals, added
from hermes_trio.testing.simulation.shrink import Shrinking

SLICE = 25
SHOWN_MAX = 5
Say = Callable[[str], None]


def totals_of(seeds: range, jobs: int = 1, nodes: int = 1) -> Totals:
    """Play these seeds on so many processes, each with so many nodes."""
    totals = Totals()
    for some in _slices(seeds, jobs, nodes):
        totals.join(some)
    return totals


def _slices(seeds: range, jobs: int, nodes: int) -> Iterator[Totals]:
    slices = [seeds[at : at + SLICE] for at in range(0, len(seeds), SLICE)]
    if jobs == 1:
        yield from map(partial(_some, nodes), slices)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(partial(_some, nodes), slices)


def _some(nodes: int, seeds: range) -> Totals:
    return added(play(draw(seed, nodes)) for seed in seeds)


def report(totals: Totals, seconds: float, say: Say, *, shrink: bool, nodes: int = 1) -> int:
    """Print what came of seeds; returns how many broke something. Each with the one command that shows it."""
    failures = sorted(totals.failures, key=lambda failure: failure.seed)
    for failure in failures[:SHOWN_MAX]:
        _show(failure, say, nodes=nodes, whole=failure is failures[0], shrink=shrink)
    if len(failures) > SHOWN_MAX:
        say(f"and {len(failures) - SHOWN_MAX} more: {[failure.seed for failure in failures[SHOWN_MAX:]]}")
    for line in totals.table(seconds):
        say(line)
    return len(failures)


def _show(failure: Failure, say: Say, *, nodes: int, whole: bool, shrink: bool) -> None:
    say(f"seed {failure.seed} breaks {failure.broken}: {failure.what}")
    of = f" --nodes {nodes}" if nodes > 1 else ""
    say(f"again: hermes-trio simulate{of} --seeds {failure.seed}..{failure.seed} --timeline")
    if not whole:
        return
    plan = draw(failure.seed, nodes)
    if shrink:
        plan = _shorter(plan)
        say(
            "shortened; save what follows, and play it with hermes-trio simulate --plan FILE\n"
            + to_text(plan)
        )
    say(play(plan).timeline)


def timeline_of(seed: int, nodes: int = 1) -> str:
    """What happens in this seed."""
    return play(draw(seed, nodes)).timeline


def shortened(plan: Plan) -> str:
    """The shortest plan found that breaks the same, as text."""
    return to_text(_shorter(plan))


def _shorter(plan: Plan) -> Plan:
    return Shrinking(plan, lambda one: play(one).broken).run()


def play_file(file: Path) -> Played:
    """Play a plan that was saved.

    Raises:
        ValueError: there is none in this file; the text says what is wrong.
    """
    try:
        return play(from_text(file.read_bytes()))
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from error
