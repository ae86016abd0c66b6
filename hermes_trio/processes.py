"""Children as processes of this machine: started, read, signalled, and found again.

A child leads a process group and a session of its own. The group is signalled as long as its leader has
not been reaped, so its number cannot have gone to anybody else; the leader is reaped last. What left the
group is found by the mark in its environment. Linux: it needs pidfds and /proc.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Literal

import trio

from hermes_trio.child_port import LeftChildren
from hermes_trio.pure.child_env import BOOT, CHILD, boot_mark

SHELL = "/bin/sh"
READ_BYTES = 65536
NUMBERS = {"term": signal.SIGTERM, "kill": signal.SIGKILL}


class SystemProcesses:
    """The Processes port on this machine."""

    async def start(self, command: str, env: Mapping[str, str], *, stdin: bool) -> SystemProcess:
        """See the port."""
        home = env["HOME"]
        process = await trio.lowlevel.open_process(
            [SHELL, "-c", command],
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=env,
            cwd=home if os.path.isdir(home) else "/",  # noqa: ASYNC240 - one stat of a local folder
        )
        return SystemProcess(process, env[CHILD])

    def left(self, of: LeftChildren) -> LeftGroup:
        """See the port."""
        return LeftGroup(of)


class _Found:
    """Processes that are found by looking at all there are."""

    def __init__(self, marked: Callable[[bytes], bool]) -> None:
        self._marked = marked

    def _groups(self) -> frozenset[int]:
        return frozenset()

    def signal(self, how: Literal["term", "kill"]) -> int:
        """See the port."""
        pids = self._alive()
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, NUMBERS[how])
        return len(pids)

    async def gone(self) -> None:
        """See the port."""
        for pid in self._alive():
            with suppress(ProcessLookupError):
                pidfd = os.pidfd_open(pid)
                try:
                    await trio.lowlevel.wait_readable(pidfd)
                finally:
                    os.close(pidfd)

    def close(self) -> None:
        """See the port."""

    def _alive(self) -> list[int]:
        return living(self._groups(), self._marked)


class LeftGroup(_Found):
    """What is marked with this store and another boot, and the groups of leaders that are still the same."""

    def __init__(self, of: LeftChildren) -> None:
        mine, any_boot = f"{BOOT}={boot_mark(of.mark, of.boot)}".encode(), f"{BOOT}={of.mark}.".encode()
        super().__init__(lambda entry: entry.startswith(any_boot) and entry != mine)
        self._leaders = [pid for pid, started in of.leaders if start_time(pid) == started]

    def _groups(self) -> frozenset[int]:
        return frozenset(self._leaders)


class SystemProcess(_Found):
    """The Process port on this machine."""

    def __init__(self, process: trio.Process, mark: str) -> None:
        entry = f"{CHILD}={mark}".encode()
        super().__init__(lambda one: one == entry)
        self.pid = process.pid
        self.started = start_time(process.pid) or 0
        self._process = process
        self._pidfd = os.pidfd_open(process.pid)
        self._closed = False

    def _groups(self) -> frozenset[int]:
        return frozenset() if self._closed else frozenset({self.pid})

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


def exit_code(pid: int) -> int:
    """The code of a child of ours that has ended, which stays unreaped. Minus the signal that ended it."""
    found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert found is not None
    return found.si_status if found.si_code == os.CLD_EXITED else -found.si_status


def start_time(pid: int) -> int | None:
    """When a process began, in the machine's ticks, None if there is none of this number."""
    fields = _stat(pid)
    return int(fields[19]) if fields is not None else None


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on: the second may hold anything, in parentheses."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return None


def living(groups: frozenset[int], marked: Callable[[bytes], bool]) -> list[int]:
    """The processes of these groups, and those with a marked variable in the environment they began with."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdecimal() or int(name) == os.getpid():
            continue
        pid = int(name)
        fields = _stat(pid)
        if fields is None or fields[0] in "ZX":
            continue
        if int(fields[2]) in groups or _has(pid, marked):
            found.append(pid)
    return found


def _has(pid: int, marked: Callable[[bytes], bool]) -> bool:
    with suppress(OSError):
        return any(map(marked, Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")))
    return False
