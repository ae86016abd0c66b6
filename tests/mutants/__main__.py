"""`make mutants`: which seed of the simulation catches which mistake, after how many."""

from __future__ import annotations

import os
import sys
from collections import Counter

import click
import trio

from tests.mutants.all import MUTANTS
from tests.mutants.harness import HEAD, Broke, Hunted, hunt_all


@click.command()
@click.argument("most", type=click.IntRange(min=1), default=2000)
@click.option("--jobs", type=click.IntRange(min=1), default=os.cpu_count() or 1, help="At once.")
@click.option("--only", multiple=True, help="Mutants whose name holds this.")
@click.option("--what", is_flag=True, help="Say of each what was broken.")
def main(most: int, jobs: int, only: tuple[str, ...], what: bool) -> None:
    """Hunt each mutant with at most MOST seeds. Fails where one survives, or the gateway itself fails."""
    chosen = [one for one in MUTANTS if not only or any(part in one.name for part in only)]
    click.echo(HEAD)
    found, broken = trio.run(hunt_all, chosen, range(1, most + 1), jobs, click.echo)
    sys.exit(1 if summary(found, broken, most, what=what) else 0)


def summary(found: list[Hunted], broken: list[Broke], most: int, *, what: bool) -> bool:
    """Say what came of it. True: something is wrong."""
    survived = [one for one in found if one.caught is None]
    caught = sorted(one.played for one in found if one.caught is not None)
    click.echo()
    if what:
        for one in found:
            assert one.mutant is not None
            for broke in [one.caught] if one.caught else one.broke[:3]:
                click.echo(f"{one.mutant.name}: seed {broke.seed} breaks {broke.broken}: {broke.what[-300:]}")
    if caught:
        middle, within = caught[len(caught) // 2], sum(seeds <= 200 for seeds in caught)
        click.echo(
            f"{len(caught)} of {len(found)} mutants are caught, {within} within 200 seeds;"
            f" half of them within {middle}, the last after {caught[-1]}."
        )
    by = Counter(one.caught.broken for one in found if one.caught is not None)
    click.echo(f"By: {', '.join(f'{name} {count}' for name, count in by.most_common())}.")
    for one in survived:
        assert one.mutant is not None
        click.echo(f"SURVIVES: {one.mutant.name}: {one.mutant.does}")
    for broke in broken:
        click.echo(f"THE GATEWAY ITSELF: seed {broke.seed} breaks {broke.broken}: {broke.what[-300:]}")
    if not broken:
        click.echo(f"The gateway as it is passes the seeds 1..{most}.")
    return bool(survived or broken)


if __name__ == "__main__":
    main()
