"""I10: after sessions went idle tasks and files are back at the start, memory within 20 %."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


@pytest.mark.parametrize("sessions", [("1000",), ("40", "60")], ids=["many", "long"])
def test_sessions_that_went_idle_hold_no_task_no_file_and_hardly_a_byte(tmp_path, sessions):
    command = [sys.executable, "-m", "tests.invariants.idle", str(tmp_path), *sessions]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=80)
    found = json.loads(done.stdout)
    before, after = found["before"], found["after"]
    assert after["tasks"] == before["tasks"]
    assert after["files"] == before["files"]
    assert after["bytes"] <= 1.2 * before["bytes"], (before["bytes"], after["bytes"])
