"""Keeps this process's memory and environment from being read by other processes."""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Set
from contextlib import suppress

PR_SET_DUMPABLE = 4


def be_unreadable() -> None:
    """No other process of this user reads our memory, and no core has it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError, AttributeError):  # where there is no such call the machine has no /proc either
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def blank_environment(values: Set[bytes] | None = None) -> None:
    """Blank these values where the kernel shows the environment of the start, without any all of them: taking
    a variable out of `os.environ` leaves it in `/proc/PID/environ`, which root reads, and in a container
    programs are root."""
    with suppress(OSError, ValueError):  # where its own cannot be found there is no /proc that shows it
        environ = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
        index = 0
        while at := environ[index]:
            name, _, value = ctypes.string_at(at).partition(b"=")
            if values is None or value in values:
                ctypes.memset(at + len(name) + 1, 0, len(value))
            index += 1
