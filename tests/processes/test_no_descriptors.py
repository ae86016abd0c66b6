"""No descriptor is left on the machine for a moment: programs are ended all the same, none is forgotten."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
import structlog
import trio

from hermes_trio.processes.proc_files import Spare
from hermes_trio.processes.reaper import Reaper
from hermes_trio.values.process import LeftProcesses
from tests.descriptors import descriptors_left

STUBBORN = "trap '' TERM; echo on; while :; do sleep 1; done"


async def test_a_program_that_does_not_want_to_end_is_ended_without_a_descriptor(machine):
    process = await machine.start(STUBBORN)
    assert await process.read() == b"on\n"
    with descriptors_left(0):
        async with trio.open_nursery() as nursery:
            Reaper(nursery, structlog.get_logger()).take(process, "test")
    assert machine.living() == 0


async def test_what_left_the_group_is_ended_too(machine):
    process = await machine.start("setsid sleep 1000 & echo on; sleep 1000")
    assert await process.read() == b"on\n"
    await machine.until(3)
    with descriptors_left(0):
        async with trio.open_nursery() as nursery:
            Reaper(nursery, structlog.get_logger()).take(process, "test")
    assert machine.living() == 0


async def test_what_an_older_boot_left_is_ended_too(machine):
    process = await machine.start(STUBBORN)
    assert await process.read() == b"on\n"
    left = machine.processes.left(LeftProcesses(machine.mark, 2, ((process.pid, process.started),)))
    with descriptors_left(0):
        async with trio.open_nursery() as nursery:
            Reaper(nursery, structlog.get_logger()).take(left, "test")
    assert machine.living() == 0


@pytest.mark.parametrize("stdin", [False, True])
async def test_a_start_with_too_few_descriptors_leaves_nobody(machine, stdin):
    outcomes, held = [], len(os.listdir("/proc/self/fd"))
    for count in range(14):
        with descriptors_left(count):
            try:
                process = await machine.start("exec sleep 1000", stdin=stdin)
            except OSError:
                outcomes.append("refused")
                assert machine.made == []
            else:
                outcomes.append("started")
                machine.made.remove(process)
                async with trio.open_nursery() as nursery:
                    Reaper(nursery, structlog.get_logger()).take(process, "test")
        assert machine.living() == 0
        assert len(os.listdir("/proc/self/fd")) == held
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {"refused", "started"}


AS_PID_ONE = """
import os, structlog, trio
from hermes_trio.processes.system import SystemProcesses
from hermes_trio.processes.environment import process_environment
from hermes_trio.processes.proc_files import Spare
from hermes_trio.processes.reaper import Reaper

async def main():
    machine, codes = SystemProcesses(), []
    async with trio.open_nursery() as nursery:
        reaper = Reaper(nursery, structlog.get_logger())
        for n in range(10):
            env = process_environment(os.environ, mark="pid1", boot=1, session=1, turn=1, process=n)
            process = await machine.start("sleep 0.01 & setsid sleep 1000 & exit 3", env, stdin=False)
            codes.append(await process.exited())
            reaper.take(process, "test")
    stats = [open(f"/proc/{name}/stat").read() for name in os.listdir("/proc") if name.isdecimal()]
    print(os.getpid(), len(stats), set(codes))

trio.run(main)
"""


def test_as_pid_one_it_reaps_what_its_programs_leave_and_takes_nobodys_code():
    unshare = ["unshare", "--pid", "--fork", "--mount-proc"]
    if shutil.which("unshare") is None or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        pytest.skip("no pid namespace can be made here")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", AS_PID_ONE], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "1 1 {3}\n", done.stderr


def test_who_looks_at_a_group_that_is_closed_keeps_no_descriptor_back():
    before = len(os.listdir("/dev/fd"))
    spare = Spare()
    spare.close()
    with spare.lent():
        pass
    assert len(os.listdir("/dev/fd")) == before
