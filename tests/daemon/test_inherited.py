"""What a parent leaves to the daemon, ignored and blocked signals and open files, goes on to no program."""

from __future__ import annotations

import json
import re
import signal

import pytest
import trio

from hermes_trio.daemon.signals import LEFT_ALONE

ADA = 42
TOOLS = """
admins = [42]
[tools]
enable = ["terminal", "process"]
sandbox = "none"
"""
LEFT = ["env", "--ignore-signal=CHLD,PIPE,TERM,HUP,INT,QUIT,USR1", "--block-signal=CHLD,TERM,INT,USR1"]
KEEPS_A_FILE = ["sh", "-c", 'exec "$@" 7</dev/zero', "sh"]
LOOKS = "grep -E 'Sig(Ign|Blk)' /proc/self/status; ls -l /proc/self/fd; exit 3"


def of_mask(name: str, status: str) -> set[int]:
    """The numbers of the signals in a mask of /proc/self/status."""
    mask = int(re.search(rf"{name}:\s*([0-9a-f]+)", status)[1], 16)
    return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}


@pytest.fixture
def echoing(place):
    """Its daemon has a model that does what it is told."""
    text = (place.home / "hermes.toml").read_text()
    model = text[text.index("[model]") : text.index("[platforms.telegram]")]
    (place.home / "hermes.toml").write_text(text.replace(model, '[model]\nprovider = "echo"\n') + TOOLS)
    return place


async def test_it_is_stopped_as_asked_and_its_programs_know_nothing_of_it(echoing):
    if (await trio.run_process([*LEFT, "true"], check=False, capture_stderr=True)).returncode:
        pytest.skip("env(1) sets no signals here")
    async with echoing.daemon(through=[*LEFT, *KEEPS_A_FILE]) as daemon:
        await daemon.ready()
        echoing.bot.push(ADA, "!tool terminal " + json.dumps({"command": LOOKS}))
        (said,) = await echoing.bot.wait_sent(ADA)
        ran = json.loads(said[said.index("{") :])
        assert ran["exit_code"] == 3
        # Whoever runs the tests may have been told to leave its terminal alone.
        assert of_mask("SigIgn", ran["output"]) <= LEFT_ALONE
        assert not of_mask("SigIgn", ran["output"]) & {signal.SIGPIPE, signal.SIGHUP}
        assert of_mask("SigBlk", ran["output"]) == set()
        assert "/dev/zero" not in ran["output"]
        assert await daemon.stop() == 0


async def test_a_disk_that_takes_nothing_at_the_start_may_take_it_at_the_next(place):
    async with place.daemon(through=("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")) as daemon:
        assert await daemon.ends() == 1
        assert re.search(r"hermes\.db: (disk I/O error|database or disk is full)", daemon.text), daemon.text
    async with place.daemon() as daemon:
        await daemon.ready()
