"""What /proc says of processes. A spare descriptor lets us look when all others are taken. Linux."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Spare:
    """A file descriptor that is kept in reserve, and freed while somebody has to look at /proc.

    Raises:
        OSError: no descriptor is left to keep.
    """

    def __init__(self) -> None:
        self._fd: int | None = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._is_kept = True

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Free the descriptor while the body runs. The body must not wait: others would take the descriptor.

        After it the descriptor is kept in reserve again, if one is free and `close` was not called meanwhile.
        """
        self._let_go()
        try:
            yield
        finally:
            with suppress(OSError):
                if self._is_kept:
                    self._fd = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Keep nothing in reserve any more."""
        self._is_kept = False
        self._let_go()

    def _let_go(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def start_time(pid: int) -> int | None:
    """When a process began, in the machine's ticks; None: there is no process of this number."""
    fields = _stat(pid)
    return int(fields[19]) if fields is not None else None


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the third on. The second, in parentheses, may hold any characters."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return None


def living(groups: frozenset[int], marked: Callable[[bytes], bool]) -> list[int]:
    """The processes of these groups, and those that were started with a marked environment variable."""
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


def reap_orphans(of: Callable[[int, int], bool]) -> None:
    """As PID 1, reap the processes that became our children when their parents ended.

    Args:
        of: asked with a process and its group: whether it may be reaped here. Other code of this process may
            wait for the exit code of a child of its own, and that must not be taken away.
    """
    mine = str(os.getpid())
    for name in os.listdir("/proc"):
        fields = _stat(int(name)) if name.isdecimal() else None
        if fields and fields[0] == "Z" and fields[1] == mine and of(int(name), int(fields[2])):
            with suppress(ChildProcessError):
                os.waitpid(int(name), os.WNOHANG)
