"""The demo is run as a newcomer runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from tests.demo.picture import Line, read, same_each_run

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
async def test_the_demo_shows_an_answer_that_survives_kill_9_in_less_than_half_a_minute():
    with trio.fail_after(30):
        done = await trio.run_process(
            [sys.executable, "-m", "tests.demo"],
            cwd=ROOT,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            check=False,
        )
    shown = done.stdout.decode()
    assert done.returncode == 0, shown
    pids = re.findall(r"the daemon is ready: pid (\d+)", shown)
    assert len(set(pids)) == 2
    assert f"kill -9 {pids[0]}" in shown
    assert "the answer came whole, and once" in shown
    assert "1 message in, answered" in shown
    assert "\x1b" not in shown
    told = [Line(text) for text in re.findall(r"^ *[\d.]+ s  (.*)$", shown, re.MULTILINE)]
    picture = read((ROOT / "docs/picture.svg").read_text())
    assert [line.text for line in same_each_run(told)] == [line.text for line in picture], "make picture"
