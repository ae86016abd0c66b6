"""What /proc says of processes, also when no descriptor is left to look with. Linux."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Spare:
    """A descriptor that is kept back, and lent to whoever has to look at /proc: one at a time is enough.

    Raises:
        OSError: there is none to be kept.
    """

    def __init__(self) -> None:
        self._fd: int | None = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._is_kept = True

    @contextmanager
    def lent(self) -> Iterator[None]:
        """It is free while the body runs, which must not wait. Then it is kept back again if it can be.

        Whoever still looks when it is closed finds what he finds, and nothing is kept back for him.
        """
        self._let_go()
        try:
            yield
        finally:
            with suppress(OSError):
                if self._is_kept:
                    self._fd = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def close(self) -> None:
        """Keep nothing back any more."""
        self._is_kept = False
        self._let_go()

    def _let_go(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


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


def reap_orphans(of: Callable[[int, int], bool]) -> None:
    """Take the codes of processes that were handed to us, as PID 1, when their parents had ended.

    Args:
        of: says of a process and its group whether it is one of those that may be reaped here. Who waits for
            the code of a process of its own is not robbed of it.
    """
    mine = str(os.getpid())
    for name in os.listdir("/proc"):
        fields = _stat(int(name)) if name.isdecimal() else None
        if fields and fields[0] == "Z" and fields[1] == mine and of(int(name), int(fields[2])):
            with suppress(ChildProcessError):
                os.waitpid(int(name), os.WNOHANG)
