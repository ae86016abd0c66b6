"""kill -9 at K1 to K9, for turns of every shape; what was lost and what was seen twice is counted.

`python -m tests.crash.matrix 200` (`make crash N=200`) runs so many, at points and with shapes drawn by a
seed, and prints the table that `docs/measurements.md` quotes.

| | killed when |
|---|---|
| K1 | an update was handed over, and not confirmed |
| K2 | it was just confirmed |
| K3 | the model holds the request |
| K4 | half of the answer has been streamed |
| K5 | a tool has acted, and its result is not back |
| K6 | the model has answered, and nothing was sent |
| K7 | a send is visible, and its answer withheld |
| K8 | the send was confirmed, to a process that did not read it |
| K9 | SIGTERM was given, and the drain runs |
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path
from random import Random
from time import perf_counter

import trio
from msgspec import Struct

from tests.crash.checks import MARK
from tests.crash.points import POINTS
from tests.crash.stage import CHAT, Stage, open_stage


class Shape(Struct, frozen=True):
    """A kind of turn.

    Args:
        text: what is said; the model does as it is told.
        calls: how many model calls its turn has.
        parts: what the messages of the answer are known by: they begin, or end, so.
        gap_ms: between the pieces of an answer.
    """

    text: str
    calls: int
    parts: tuple[str, ...]
    gap_ms: float = 0.0


STATUS = ("Session ", "No conversation yet.")
"""An answer to /status begins so."""

LONG = "a word or two " * 12
SHAPES = {
    "short": Shape("hello", 1, ("you said: hello",)),
    "streamed": Shape(f"streamed {LONG}".strip(), 1, ("you said: streamed",), gap_ms=60.0),
    "many parts": Shape("many one", 1, ("you said: many one", "bbbb", "cccc")),
    "tools": Shape("charge pears; charge plums", 3, ("you said: charge pears",)),
    "background": Shape("run sleep 1000", 2, ("you said: run sleep 1000",)),
}
RUNS = [(point, shape) for point in POINTS for shape in SHAPES if point != "K5" or shape == "tools"]


class Tally(Struct):
    """What became of runs. `marked` counts those of `duplicated` that bear the mark of a possible repeat."""

    runs: int = 0
    lost: int = 0
    duplicated: int = 0
    marked: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.runs + other.runs,
            self.lost + other.lost,
            self.duplicated + other.duplicated,
            self.marked + other.marked,
        )


async def run(stage: Stage, point: str, shape: Shape) -> Tally:
    """One life that is killed at the point, and one that finishes; returns what a person sees of it.

    Raises:
        AssertionError: what is checked of every crash does not hold; see `Stage.verify`.
    """
    stage.model.gap_ms = shape.gap_ms
    let_run_programs(stage)
    await stage.start()
    await POINTS[point](stage, shape.text, shape.calls)
    await stage.kill9()
    older = processes(stage)
    # Behind its tool call a turn that leaves something running has left it running.
    has_process = shape is SHAPES["background"] and point not in ("K1", "K3")
    assert point == "K2" or bool(older) == has_process
    stage.let_go()
    await stage.start()
    await told_how_it_is(stage)
    await gone(older)
    await stage.answered()
    # I12: what comes next is answered by the model.
    await answered(stage, "still there?")
    at_rest = stage.daemon.holds()
    await answered(stage, "and now?")
    # I10: what is open and what runs at rest does not grow.
    assert all(now <= before for now, before in zip(stage.daemon.holds(), at_rest, strict=True))
    shown = [text for text in stage.shown(CHAT)[:-2] if not text.startswith(STATUS)]
    tally = seen(shown, shape)
    await stage.verify(but=frozenset({CHAT}))
    await gone(processes(stage))
    return tally


async def told_how_it_is(stage: Stage) -> None:
    """I8: whatever goes on again, or is sent again, /status is answered within two seconds."""

    def answers() -> list[str]:
        return [text for text in stage.shown(CHAT) if text.startswith(STATUS)]

    stage.say(CHAT, "/status")
    await stage.telegram.until(answers, 2.0)


async def answered(stage: Stage, text: str) -> None:
    """The next message is answered, last of all."""
    stage.say(CHAT, text)
    await stage.answered()
    assert stage.shown(CHAT)[-1] == f"you said: {text}"


def let_run_programs(stage: Stage) -> None:
    """The person is an admin, and the tool for background work is enabled."""
    text = stage._config.read_text()
    text = text.replace('enable = ["now",', 'enable = ["process", "now",')
    stage._config.write_text(text.replace("allow_users", f"admins = [{CHAT}]\nallow_users", 1))


def processes(stage: Stage) -> set[int]:
    """The processes that daemons of this stage have started and that live: their home is its folder."""
    found = set()
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if (
                folder.name.isdecimal()
                and f"HOME={stage.folder}\0".encode() in (folder / "environ").read_bytes()
            ):
                found.add(int(folder.name))
    return found - {stage.daemon.pid}


async def gone(older: set[int]) -> None:
    """I6: five seconds after the start no process of an older boot is alive."""
    with trio.fail_after(5):
        for pid in older:
            with suppress(ProcessLookupError):
                ended = os.pidfd_open(pid)
                await trio.lowlevel.wait_readable(ended)
                os.close(ended)


def seen(shown: list[str], shape: Shape) -> Tally:
    """What the chat shows of an answer: each of its parts once, or it was lost, or doubled."""
    tally = Tally(runs=1)
    for part in shape.parts:
        mine = [text for text in shown if text.startswith(part) or text.removesuffix(MARK).endswith(part)]
        tally.lost += not mine
        tally.duplicated += max(0, len(mine) - 1)
        tally.marked += max(0, min(len(mine) - 1, sum(text.endswith(MARK) for text in mine)))
    return tally


# --- at length --------------------------------------------------------------------------------------


def one(seed: int) -> tuple[str, Tally | str]:
    """The run of a seed, in a folder and a loop of its own; or what went wrong: the folder is kept."""
    point, shape = RUNS[seed] if seed < len(RUNS) else drawn(Random(seed))

    async def main(folder: Path) -> Tally:
        async with open_stage(folder) as stage:
            with stage.explaining():
                return await run(stage, point, SHAPES[shape])

    folder = Path(tempfile.mkdtemp(prefix="crash"))
    try:
        tally = trio.run(main, folder)
    except Exception:
        return point, f"seed {seed}: {point}, {shape}\n{traceback.format_exc()}"
    shutil.rmtree(folder)
    return point, tally


def drawn(chance: Random) -> tuple[str, str]:
    """A point, and a shape that reaches it."""
    point = chance.choice(tuple(POINTS))
    return point, chance.choice([shape for at, shape in RUNS if at == point])


def table(tallies: dict[str, Tally]) -> str:
    """The counts, a row per point."""
    rows = [("killed at", "runs", "lost", "duplicated", "of those marked")]
    rows += [
        (at, *map(str, (tally.runs, tally.lost, tally.duplicated, tally.marked)))
        for at, tally in [*tallies.items(), ("all", sum(tallies.values(), Tally()))]
    ]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|---|---|", *lines[1:]])


def main(count: int) -> int:
    """Run so many on every core and print the table; 1 if anything was wrong, lost, or doubled unmarked."""
    began = perf_counter()
    tallies = {point: Tally() for point in POINTS}
    wrong = []
    with multiprocessing.Pool() as pool:
        for point, tally in pool.imap_unordered(one, range(count)):
            if isinstance(tally, str):
                wrong.append(tally)
            else:
                tallies[point] += tally
    print(*wrong, table(tallies), sep="\n")
    print(f"\n{count} runs over {', '.join(SHAPES)}, {len(wrong)} wrong: {perf_counter() - began:.0f} s")
    whole = sum(tallies.values(), Tally())
    return int(bool(wrong) or whole.lost > 0 or whole.duplicated > whole.marked)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
