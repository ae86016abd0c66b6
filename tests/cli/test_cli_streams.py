"""Standard streams that are full, or not there: an operator's disk, a cron job, a service manager."""

from __future__ import annotations

import os

import pytest
import trio

from tests.daemon.process import HERMES, environ_of, hermes

FULL = "/dev/full"
pytestmark = pytest.mark.skipif(not os.path.exists(FULL), reason="this machine has no /dev/full")


async def run(home, *arguments, redirected="", **environ):
    """The command behind a shell's redirections: its exit code, and what it said on standard error."""
    command = ["/bin/sh", "-c", f'exec "$0" "$@" {redirected}', HERMES, *arguments]
    environ = environ_of(home, **environ)
    done = await trio.run_process(command, capture_stderr=True, check=False, env=environ, cwd=home)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments", ["status --json", "status", "ledger", "keys --json", "check", "--help", "--version"]
)
async def test_an_output_that_takes_no_more_is_one_sentence(tmp_path, arguments, unbuffered):
    more = {"redirected": f">{FULL}", "PYTHONUNBUFFERED": unbuffered}
    code, said = await run(tmp_path, *arguments.split(), **more)
    assert code == 1
    assert said.splitlines()[-1] == "hermes-trio: standard output: No space left on device"
    assert "Traceback" not in said
    assert "Exception ignored" not in said


@pytest.mark.parametrize("command", ["run", "chat"])
async def test_answers_that_nobody_can_read_are_not_done_well(tmp_path, command):
    (tmp_path / "lines").write_text("hi\nyou\n")
    with trio.fail_after(30):
        code, said = await run(tmp_path, command, redirected=f"<lines >{FULL}")
    assert code == 1
    assert said.splitlines()[-1] == "hermes-trio: standard output: 2 answers could not be written"
    assert "Traceback" not in said


async def test_the_exit_code_stays_what_it_is_when_nobody_can_be_told_why(tmp_path):
    code, _ = await run(tmp_path, "run", "--config", "missing.toml", redirected=f"2>{FULL}")
    assert code == 78


@pytest.mark.parametrize("arguments", ["status --json", "status", "sessions", "check", "--help"])
async def test_an_output_that_is_closed_is_no_traceback(tmp_path, arguments):
    code, said = await run(tmp_path, *arguments.split(), redirected=">&-")
    assert "Traceback" not in said
    assert code == 0


async def test_a_daemon_without_standard_streams_writes_its_lines_nowhere(place):
    """Not into whatever file or socket is opened next and gets the number of standard error."""
    async with place.daemon(through=["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-']) as daemon:
        place.bot.push(42, "hello")
        await place.bot.wait_sent(42)
        shown = {number: os.readlink(f"/proc/{daemon.pid}/fd/{number}") for number in (0, 1, 2)}
        assert shown == {0: os.devnull, 1: os.devnull, 2: os.devnull}
        assert await daemon.stop() == 0
    assert (await hermes("status", home=place.home)).returncode == 0
