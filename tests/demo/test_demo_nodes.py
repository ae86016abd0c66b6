"""The demo of several nodes is run as a newcomer runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.postgres_server import programs

ROOT = Path(__file__).parents[2]
WITHIN_S = 60


@pytest.mark.slow
@pytest.mark.skipif(programs() is None, reason="no PostgreSQL here")
async def test_the_demo_shows_that_what_a_killed_node_worked_on_goes_on_at_the_others():
    with trio.fail_after(WITHIN_S):
        done = await trio.run_process(
            [sys.executable, "-m", "tests.demo.nodes"],
            cwd=ROOT,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
    shown = done.stdout.decode()
    assert done.returncode == 0, shown
    [killed] = re.findall(r"kill -9 \d+: (\w+), which works for", shown)
    went_on = re.findall(r"(\w+) goes on with the turn of (\w+)", shown)
    assert went_on
    assert killed not in {node for node, _ in went_on}
    assert "6 answers came, each whole, and once" in shown
    assert "each of the 18 stamps was made, and once" in shown
    assert "6 messages in, all answered" in shown
    assert "\x1b" not in shown
