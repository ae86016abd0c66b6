"""Programs as processes of this machine: started, read, signalled, and found again.

A process leads a process group and a session of its own. Its number cannot go to another process before the
leader is reaped. So the leader is reaped last, and the group is signalled only before that. A process that
has left the group is found by the mark in its environment. Linux: it needs pidfds and /proc.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Literal

import trio

from hermes_trio.ports.process import Group, Process
from hermes_trio.processes.environment import BOOT, PROCESS, boot_mark
from hermes_trio.processes.proc_files import Spare, living, reap_orphans, start_time
from hermes_trio.processes.sandbox import Sandbox
from hermes_trio.values.process import LeftProcesses

SHELL = "/bin/sh"
READ_BYTES = 8192
"""How much is read at once. Moves along a line are drawn in the loop: a full pipe of them takes 90 ms."""
UNDO_S, AGAIN_S = 2.0, 0.02
SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
NUMBERS = {"term": signal.SIGTERM, "kill": signal.SIGKILL}


class SystemProcesses:
    """The Processes port on this machine.

    Args:
        sandbox: what programs run in. None: they may do what this process' user may.
    """

    def __init__(self, sandbox: Sandbox | None = None) -> None:
        self._sandbox = sandbox

    @property
    def confined(self) -> bool:
        """See the port."""
        return self._sandbox is not None

    async def start(
        self, command: str, env: Mapping[str, str], *, stdin: bool, folder: str | None = None
    ) -> Process:
        """See the port.

        Raises:
            OSError: also if there is a sandbox and no folder, or no program on this machine to make it with.
        """
        argv, home = [SHELL, "-c", command], env["HOME"] if folder is None else folder
        if self._sandbox is not None:
            if folder is None:
                raise FileNotFoundError("programs run in the folder of their conversation, and it has none")
            argv = self._sandbox.command(argv, folder)
        process = await trio.lowlevel.open_process(
            argv,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
            cwd=home if os.path.isdir(home) else "/",  # noqa: ASYNC240 - one stat of a local folder
        )
        try:
            return SystemProcess(process, env[PROCESS], confined=self.confined)
        except BaseException:
            with trio.move_on_after(UNDO_S, shield=True):
                await _undo(process)
            raise

    def left(self, of: LeftProcesses) -> Group:
        """See the port."""
        return LeftGroup(of)


async def _undo(process: trio.Process) -> None:
    """Kill a program that was started and cannot be kept; it is gone when this returns."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout):
        if isinstance(stream, trio.lowlevel.FdStream):
            stream.close()
    await process.wait()


class _Found:
    """Processes that are found by a look at all processes of the machine.

    A spare descriptor is kept from the start, so that they can be ended when all others are taken, too.
    """

    def __init__(self, marked: Callable[[bytes], bool]) -> None:
        self._marked = marked
        self._spare = Spare()

    def _groups(self) -> frozenset[int]:
        return frozenset()

    def signal(self, how: Literal["term", "kill"]) -> int:
        """See the port."""
        return self._signal(how)

    def _signal(self, how: Literal["term", "kill"], but: Sequence[int] = ()) -> int:
        pids = self._alive()
        for pid in pids:
            if pid not in but:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, NUMBERS[how])
        return len(pids)

    async def gone(self) -> None:
        """See the port."""
        for pid in self._alive():
            with suppress(ProcessLookupError):
                await self._left(pid)

    async def _left(self, pid: int) -> None:
        try:
            pidfd = os.pidfd_open(pid)
        except OSError as error:
            if error.errno not in SCARCE:
                raise
            while pid in self._alive():  # noqa: ASYNC110 - a waker would be a descriptor
                await trio.sleep(AGAIN_S)
            return
        try:
            await trio.lowlevel.wait_readable(pidfd)
        finally:
            os.close(pidfd)

    def close(self) -> None:
        """See the port."""
        self._spare.close()

    def _alive(self) -> list[int]:
        with self._spare.lent():
            return living(self._groups(), self._marked)


class LeftGroup(_Found):
    """What older boots left: processes with this store's mark and that of a boot which is over, and groups of
    known leaders.

    A leader is known by its pid and its start time together.
    """

    def __init__(self, of: LeftProcesses) -> None:
        spared = {f"{BOOT}={boot_mark(of.mark, boot)}".encode() for boot in (of.boot, *of.spared)}
        any_boot = f"{BOOT}={of.mark}.".encode()
        super().__init__(lambda entry: entry.startswith(any_boot) and entry not in spared)
        self._leaders = [pid for pid, started in of.leaders if start_time(pid) == started]

    def _groups(self) -> frozenset[int]:
        return frozenset(self._leaders)


class SystemProcess(_Found):
    """The Process port on this machine.

    Args:
        confined: its leader waits for a sandbox. It is not asked to end: then nobody would hear how the rest
            ends.
    """

    def __init__(self, process: trio.Process, mark: str, *, confined: bool = False) -> None:
        entry = f"{PROCESS}={mark}".encode()
        super().__init__(lambda one: one == entry)
        self.pid = process.pid
        self.started = start_time(process.pid) or 0
        self._process = process
        self._confined = confined
        try:
            self._pidfd = os.pidfd_open(process.pid)
        except OSError:
            self._spare.close()
            raise
        self._closed = False
        self._seen: frozenset[int] = frozenset()

    def _groups(self) -> frozenset[int]:
        return frozenset() if self._closed else frozenset({self.pid})

    def signal(self, how: Literal["term", "kill"]) -> int:
        """See the port. Where there is nothing to look with, whoever left the group is not found."""
        try:
            return self._signal(how, () if how == "kill" or not self._confined else (self.pid,))
        except OSError:
            return self._signal_group(how)

    def _signal_group(self, how: Literal["term", "kill"]) -> int:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, NUMBERS[how])
            return 1
        return 0

    def _alive(self) -> list[int]:
        found = super()._alive()
        self._seen |= frozenset(found) - {self.pid}
        return found

    async def read(self) -> bytes:
        """See the port."""
        assert self._process.stdout is not None
        return bytes(await self._process.stdout.receive_some(READ_BYTES))

    async def write(self, data: bytes) -> None:
        """See the port."""
        if self._process.stdin is None:
            raise BrokenPipeError("it takes no input")
        try:
            await self._process.stdin.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise BrokenPipeError("it takes no more input") from error

    async def exited(self) -> int:
        """See the port. The leader stays unreaped until `close`."""
        await trio.lowlevel.wait_readable(self._pidfd)
        return exit_code(self.pid)

    def close(self) -> None:
        """See the port."""
        if self._closed:
            return
        self._closed = True
        for stream in (self._process.stdin, self._process.stdout):
            if isinstance(stream, trio.lowlevel.FdStream):
                stream.close()
        self._process.poll()
        os.close(self._pidfd)
        if os.getpid() == 1:
            with suppress(OSError), self._spare.lent():
                reap_orphans(lambda pid, group: group == self.pid or pid in self._seen)
        super().close()


def exit_code(pid: int) -> int:
    """The code of a process of ours that has ended, which stays unreaped. Minus the signal that ended it."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert found is not None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
