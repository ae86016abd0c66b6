"""`make bench`: what the daemon costs and how quick it is, beside a bare loop in the same run.

The daemon runs as a process, configured like any other, its store durable on disk. The fake servers and the
people who write run in this process; what share of a core they take is reported. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import gc
import resource
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter

import msgspec
import trio

from tests.bench.long_chats import long_conversations
from tests.bench.measures import QUICK, TINY, Sizes, at_work, burst, cut_short, memory, start
from tests.bench.redaction import redaction
from tests.bench.report import Line, Report, facts, table
from tests.bench.shared_store import shared_store

SIZES = {"full": Sizes(), "quick": QUICK, "tiny": TINY}


async def measure(folder: Path, size: str) -> Report:
    """Measure everything, one after the other."""
    began, sizes = perf_counter(), SIZES[size]
    report = Report(facts(folder), size != "full", 0.0, [])
    measures: dict[str, Callable[[], Awaitable[list[Line]]]] = {
        "conversations, single messages, /new": lambda: at_work(folder, sizes, report.facts.commit_ms),
        "long conversations": lambda: long_conversations(
            folder, chats=sizes.long_chats, looks=sizes.long_looks, long=sizes.long
        ),
        "redaction": redaction,
        "bursts": lambda: burst(folder, sizes),
        "starts": lambda: start(folder, sizes),
        "memory": lambda: memory(folder, sizes),
        "a kill under load": lambda: cut_short(folder, sizes),
        "PostgreSQL, and daemons that share it": lambda: shared_store(folder, sizes),
    }
    for name, one in measures.items():
        print(f"{perf_counter() - began:4.0f} s  measuring {name}", file=sys.stderr, flush=True)
        gc.collect()
        report.lines += await one()
    report.took_s = perf_counter() - began
    return report


def main() -> int:
    """Measure, write, print. Goals that are missed are shown, they are no failure."""
    words = argparse.ArgumentParser(prog="make bench", description=__doc__.partition("\n")[0])
    words.add_argument("--quick", dest="size", action="store_const", const="quick", default="full")
    words.add_argument("--tiny", dest="size", action="store_const", const="tiny", help="only to see it work")
    words.add_argument("--json", type=Path, default=Path("bench.json"), help="where to write the numbers")
    words.add_argument("--dir", type=Path, help="a folder on the disk to measure; by default the system's")
    given = words.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # both ends of some thousand connections
    with tempfile.TemporaryDirectory(prefix="hermes-trio-bench-", dir=given.dir) as folder:
        report = trio.run(measure, Path(folder), given.size)
    given.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    print(table(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
