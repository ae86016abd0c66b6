"""Daemons that share a PostgreSQL: one is killed, one loses its answers. All faults: `make crash-nodes`."""

from __future__ import annotations

from random import Random

import pytest

from tests.crash.node_faults import FAULTS
from tests.crash.node_matrix import SETTINGS, Tally, run, seen, table
from tests.crash.nodes import open_nodes
from tests.postgres_server import open_server, programs

SAID = {41: {1: "hello", 2: "and you?"}}
ROWS = [{"chat": "41", "turn": 1, "native": "41/1"}, {"chat": "41", "turn": 2, "native": "41/2"}]
TOGETHER = [{"chat": "41", "turn": 1, "native": "41/1"}, {"chat": "41", "turn": 1, "native": "41/2"}]
HELLO, YOU = "you said: hello", "you said: and you?"


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.skipif(programs() is None, reason="no PostgreSQL here")
@pytest.mark.parametrize("fault", ["kill", "cut a commit"])
async def test_nothing_is_lost_and_a_repeat_is_marked(tmp_path, fault):
    bin = programs()
    with open_server(bin, *SETTINGS) as server:
        async with open_nodes(tmp_path, server, 2) as nodes:
            tally = await run(nodes, fault, Random(1))
    assert tally.lost == tally.late == 0
    assert tally.doubled == tally.marked


@pytest.mark.parametrize(
    ("shown", "rows", "tally"),
    [
        ([HELLO, YOU], ROWS, Tally(1, 2)),
        ([YOU], TOGETHER, Tally(1, 2)),
        ([YOU], ROWS, Tally(1, 2, lost=1)),
        ([], ROWS, Tally(1, 2, lost=2)),
        ([HELLO, YOU, YOU], ROWS, Tally(1, 2, doubled=1)),
        ([HELLO, YOU, f"{YOU} ↻"], ROWS, Tally(1, 2, doubled=1, marked=1)),
        ([HELLO, f"{YOU} ↻"], ROWS, Tally(1, 2)),
    ],
)
def test_what_is_counted(shown, rows, tally):
    assert seen(SAID, {41: shown}, rows) == tally


def test_what_nobody_said_is_an_error():
    with pytest.raises(AssertionError, match="good night"):
        seen(SAID, {41: ["you said: good night"]}, ROWS)


def test_the_table_has_each_fault_and_their_sum():
    lines = table({name: Tally(1, 10, late=1) for name in FAULTS}).splitlines()
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == [*FAULTS, "all"]
    assert lines[-1] == f"| all | {len(FAULTS)} | {10 * len(FAULTS)} | 0 | 0 | 0 | {len(FAULTS)} |"
