"""`hermes-trio simulate`: the whole gateway, run with what seeds draw. No configuration, no network."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from hermes_trio.cli.options import tell

SEEDS = re.compile(r"(\d+)(?:\.\.(\d+))?")


def _seeds(_: click.Context, __: click.Parameter, value: str) -> range:
    found = SEEDS.fullmatch(value)
    if found is None or int(found[2] or found[1]) < int(found[1]):
        raise click.BadParameter("must be like 1..1000, the first and the last")
    return range(int(found[1]), int(found[2] or found[1]) + 1)


@click.command()
@click.option(
    "--seeds", default="1..200", show_default=True, callback=_seeds, help="From the first to the last."
)
@click.option(
    "--nodes", type=click.IntRange(1, 5), default=1, help="So many gateways share the store, and are one."
)
@click.option("--jobs", default=0, help="Processes to play on; as many as there are processors.")
@click.option("--shrink", is_flag=True, help="Make the first plan that breaks something shorter.")
@click.option("--plan", type=click.Path(path_type=Path), help="Play a saved plan instead of seeds.")
@click.option("--timeline", is_flag=True, help="Show what happens; of one seed or one plan.")
def simulate(seeds: range, nodes: int, jobs: int, shrink: bool, plan: Path | None, timeline: bool) -> int:
    """Play the gateway with users, faults and crashes drawn from seeds, and check what it promises."""
    try:
        from hermes_trio.testing.simulation import run
    except ModuleNotFoundError as error:
        tell(f"{error}: pip install 'hermes-trio[testing]'")
        return 1
    if plan is not None:
        return _one(plan, shrink=shrink)
    if timeline and len(seeds) == 1:
        click.echo(run.timeline_of(seeds[0], nodes))
    began = os.times().elapsed
    totals = run.totals_of(seeds, min(jobs or os.cpu_count() or 1, -(-len(seeds) // run.SLICE)), nodes)
    return 1 if run.report(totals, os.times().elapsed - began, click.echo, shrink=shrink, nodes=nodes) else 0


def _one(file: Path, *, shrink: bool) -> int:
    from hermes_trio.testing.simulation import run

    try:
        played = run.play_file(file)
    except ValueError as error:
        tell(str(error))
        return 1
    if played.broken and shrink:
        click.echo(run.shortened(played.plan))
        return 1
    click.echo(played.timeline)
    click.echo(f"breaks {played.broken}: {played.what}" if played.broken else "nothing is broken")
    return 1 if played.broken else 0
