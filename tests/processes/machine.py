"""Real processes, for tests on the real clock: what lives with a mark of the test's own."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path

import trio

from hermes_trio.processes.environment import process_environment
from hermes_trio.processes.proc_files import living, start_time
from hermes_trio.processes.system import SystemProcesses
from hermes_trio.values.process import LeftProcesses


class Machine:
    """Starts processes that carry a mark which no other test has."""

    def __init__(self, mark, home):
        self.mark = mark
        self.home = home
        self.processes = SystemProcesses()
        self.made = []

    async def start(self, command, *, boot=1, process=1, stdin=False, **own):
        own = {"PATH": os.environ["PATH"], "HOME": str(self.home), **own}
        env = process_environment(own, mark=self.mark, boot=boot, session=1, turn=1, process=process)
        process = await self.processes.start(command, env, stdin=stdin)
        self.made.append(process)
        return process

    def living(self):
        """How many processes carry the test's mark."""
        return len(living(frozenset(), lambda entry: f"={self.mark}.".encode() in entry))

    async def until(self, count, within_s=5):
        """Return when so many live, or more; with 0 when none does."""
        with trio.fail_after(within_s):
            # A process says nothing when it is born.
            while self.living() < count or (not count and self.living()):  # noqa: ASYNC110
                await trio.sleep(0.01)

    def older(self, boot=2, *processes):
        """What a boot finds of those before."""
        leaders = tuple((process.pid, process.started) for process in processes)
        return self.processes.left(LeftProcesses(self.mark, boot, leaders))


async def text_of(process):
    """All that it prints."""
    pieces = []
    while piece := await process.read():
        pieces.append(piece)
    return b"".join(pieces).decode()


@asynccontextmanager
async def a_machine(tmp_path):
    machine = Machine(f"test{os.getpid()}{tmp_path.name.replace('_', '')}", tmp_path)
    try:
        yield machine
    finally:
        with trio.CancelScope(shield=True):
            for group in (machine.older(0), *machine.made):
                while group.signal("kill"):
                    await group.gone()
                group.close()


def is_alive(pid):
    return start_time(pid) is not None and Path(f"/proc/{pid}/stat").read_text().split()[2] not in "ZX"
