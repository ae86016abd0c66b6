"""A machine that is short of descriptors: a start that fails says so in one line, without a traceback."""

from __future__ import annotations

import sys

import pytest
import trio
import trio.testing


async def ready_or_ended(daemon):
    """The exit code, None while it serves."""
    async with trio.open_nursery() as either:

        async def ready():
            await daemon.ready()
            either.cancel_scope.cancel()

        either.start_soon(ready)
        await daemon.process.wait()
        either.cancel_scope.cancel()
    return daemon.process.returncode


@pytest.mark.parametrize("descriptors", [8, 10, 11, 12, 15, 16])
async def test_a_start_with_few_descriptors_serves_or_says_in_one_line_why_not(place, descriptors):
    few = ("sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh")
    async with place.daemon(through=few) as daemon:
        code = await ready_or_ended(daemon)
        if code is None:
            assert await daemon.stop() == 0
        else:
            assert code in (1, 78)
            await trio.testing.wait_all_tasks_blocked(0.05)  # its last line has been read
            *before, last = daemon.text.splitlines()
            assert last.startswith("hermes-trio: "), daemon.text
            assert all(line.startswith("ts=") for line in before), daemon.text
        assert "Traceback" not in daemon.text
    async with place.daemon() as daemon:
        await daemon.ready()


WITHOUT_ANY = """
import io, resource
from hermes_trio.runtime.log import stream_log
out = io.StringIO()
log = stream_log(out, lambda: 0.0, str)
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
log.warning("account down", account="a/main")
print(out.getvalue(), end="")
"""


async def test_a_line_of_the_log_needs_no_descriptor():
    command = [sys.executable, "-c", WITHOUT_ANY]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    said = b'ts=0.000 level=warning event="account down" account=a/main\n'
    assert (done.returncode, done.stdout) == (0, said), done.stderr.decode()
