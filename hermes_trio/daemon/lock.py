"""The lock of a state_dir, held by the operating system: a daemon that was killed leaves none behind.

The file stays for ever; what counts is the lock on it. The pid it holds is a comment.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from hermes_trio.errors import ConfigWrong, StateDirBusy

FILE = "lock"
WAIT_S = 2.0
"""Rides over whoever only looks at the store, and over a killed daemon whose memory is still being freed."""

_AGAIN_S = 0.05


@asynccontextmanager
async def hold_lock(state_dir: Path, *, wait_s: float = WAIT_S) -> AsyncIterator[None]:
    """Be the one daemon of this state_dir while the body runs.

    Args:
        state_dir: an existing folder.
        wait_s: how long to wait for it, in seconds.

    Raises:
        StateDirBusy: another process holds it; the text says which.
        ConfigWrong: no file can be made in this folder.
    """
    try:
        fd = os.open(state_dir / FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigWrong(f"state_dir {state_dir}: {error.strerror}") from error
    try:
        await _lock(fd, state_dir, wait_s)
        with suppress(OSError):  # a full disk: the lock holds without its comment
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(fd)


async def _lock(fd: int, state_dir: Path, wait_s: float) -> None:
    import trio  # 90 ms that who only asks a daemon need not pay

    give_up_at = trio.current_time() + wait_s
    while not _try(fd, fcntl.LOCK_EX):
        if trio.current_time() >= give_up_at:
            raise StateDirBusy(f"{state_dir} is in use by another hermes-trio: {holder(state_dir)}")
        await trio.sleep(_AGAIN_S)


@contextmanager
def nobody_holds(state_dir: Path) -> Iterator[bool]:
    """Whether there is no daemon; if so none can start before the body ends, so keep that short."""
    try:
        fd = os.open(state_dir / FILE, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield True
        return
    except OSError as error:
        raise ConfigWrong(f"{state_dir / FILE}: {error.strerror}") from error
    try:
        yield _try(fd, fcntl.LOCK_SH)
    finally:
        os.close(fd)


def holder(state_dir: Path) -> str:
    """Who wrote itself into the lock last, for messages: "pid 42"."""
    with suppress(OSError, ValueError):
        return f"pid {int((state_dir / FILE).read_text())}"
    return "it has not said its pid"


def _try(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
