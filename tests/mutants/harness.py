"""Makes mutants, lets the simulation hunt each in a process of its own, and judges."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from time import perf_counter

import trio
from msgspec import Struct

from tests.mutants.mutant import Mutant, made

HUNT = Path(__file__).with_name("hunt.py")
SPINS_MAX = 3


class Broke(Struct, frozen=True):
    """A seed that showed something."""

    seed: int
    broken: str
    what: str


class Hunted(Struct):
    """What became of a hunt.

    Args:
        played: how many seeds.
        caught: the first that broke an invariant. An exception is none, and a seed without end is none.
        broke: everything that was broken, exceptions too.
    """

    mutant: Mutant | None
    nodes: int = 1
    played: int = 0
    seconds: float = 0.0
    caught: Broke | None = None
    broke: list[Broke] = []
    error: str = ""


async def hunt(
    mutant: Mutant | None, seeds: range, without: Collection[int] = (), *, stop: bool = True, nodes: int = 1
) -> Hunted:
    """Play seeds on a mutant (None: on the gateway as it is) until one catches it.

    Args:
        without: seeds to leave out.
        stop: False: play all of them.
        nodes: so many, where there is no mutant to say it.
    """
    began, found = perf_counter(), Hunted(mutant, nodes if mutant is None else mutant.nodes)
    with tempfile.TemporaryDirectory(prefix="hermes-trio-mutant-") as name:
        folder = await trio.to_thread.run_sync(os.path.realpath, name)
        await trio.to_thread.run_sync(made, mutant, Path(folder))
        first: int | None = seeds.start
        for _ in range(SPINS_MAX):
            if first is not None and first < seeds.stop and found.caught is None and not found.error:
                first = await _play(found, Path(folder), range(first, seeds.stop), without, stop)
    found.seconds = perf_counter() - began
    return found


async def _play(
    found: Hunted, folder: Path, seeds: range, without: Collection[int], stop: bool
) -> int | None:
    """One process. Returns where to go on where a seed had no end, None where all is known."""
    modules = sorted({edit.module for edit in found.mutant.edits}) if found.mutant else []
    wanted = {"seeds": [seeds.start, seeds.stop - 1], "modules": modules, "without": sorted(without)}
    wanted["nodes"] = found.nodes
    # -P: what surrounds this file is none of its business; -I would forget where trio is.
    command = [sys.executable, "-P", str(HUNT), str(folder), json.dumps(wanted | {"stop": stop})]
    process = await trio.run_process(
        command, capture_stdout=True, capture_stderr=True, check=False, cwd=folder
    )
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    for line in lines:
        found.played += "began" in line
        if "broken" in line:
            broke = Broke(**line)
            found.broke.append(broke)
            if broke.broken != "error":
                found.caught = found.caught or broke
    if lines and "done" in lines[-1]:
        return None
    began = [line["began"] for line in lines if "began" in line]
    if process.returncode == -14 and began:
        found.broke.append(Broke(began[-1], "no end", "this seed does not come to an end"))
        return int(began[-1]) + 1
    found.error = process.stderr.decode(errors="replace").strip().rpartition("\n")[2] or "it died"
    return None


async def hunt_all(
    mutants: Sequence[Mutant], seeds: range, jobs: int, say: Callable[[str], None]
) -> tuple[list[Hunted], list[Broke]]:
    """Hunt every mutant, and the gateway as it is on the same seeds: a seed that breaks it proves nothing."""
    plain: list[Hunted] = []
    found: list[Hunted] = []

    async def as_it_is(share: range) -> None:
        for nodes in sorted({one.nodes for one in mutants}):
            plain.append(await hunt(None, share, stop=False, nodes=nodes))

    async with trio.open_nursery() as nursery:
        for share in _shares(seeds, jobs):
            nursery.start_soon(as_it_is, share)
    for hunted in plain:
        if hunted.error:
            raise RuntimeError(hunted.error)
    broken = sorted((broke for hunted in plain for broke in hunted.broke), key=lambda broke: broke.seed)
    todo = iter(mutants)

    async def some() -> None:
        for mutant in todo:
            left = {broke.seed for one in plain if one.nodes == mutant.nodes for broke in one.broke}
            found.append(await hunt(mutant, seeds, left))
            say(row(found[-1]))

    async with trio.open_nursery() as nursery:
        for _ in range(jobs):
            nursery.start_soon(some)
    return found, broken


def _shares(seeds: range, jobs: int) -> Iterator[range]:
    size = -(-len(seeds) // jobs)
    for first in range(seeds.start, seeds.stop, size):
        yield range(first, min(first + size, seeds.stop))


HEAD = "| mutant | meant | caught by | seed | after | seconds |\n|---|---|---|---|---|---|"


def row(hunted: Hunted) -> str:
    """A line of the table."""
    assert hunted.mutant is not None
    name, of, took = hunted.mutant.name, hunted.mutant.of, f"{hunted.seconds:.0f}"
    if hunted.caught is None:
        seen = sorted({broke.broken for broke in hunted.broke})
        why = hunted.error or (f"nothing but {', '.join(seen)}" if seen else "nothing")
        return f"| {name} | {of} | **{why}** | | {hunted.played} | {took} |"
    return f"| {name} | {of} | {hunted.caught.broken} | {hunted.caught.seed} | {hunted.played} | {took} |"
