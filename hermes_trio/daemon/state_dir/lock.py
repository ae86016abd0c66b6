"""The lock of a state_dir, held by the operating system: a daemon that was killed leaves none behind.

The file stays for ever; what counts is the lock on it. The pid it holds is a comment. The folder is locked
too: if somebody removes the file as a leftover, a second daemon is still kept out.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path

from hermes_trio.errors import ConfigWrong, StateDirBusy

FILE = "lock"
WAIT_S = 2.0
"""Rides over whoever only looks at the store, and over a killed daemon whose memory is still being freed."""

_AGAIN_S = 0.05


@asynccontextmanager
async def hold_lock(state_dir: Path, *, wait_s: float = WAIT_S) -> AsyncIterator[None]:
    """Be the one daemon of this state_dir while the body runs.

    Raises:
        StateDirBusy: another process holds it; the text says which.
        ConfigWrong: no file can be made in this folder.
    """
    with ExitStack() as opened:
        try:
            folder = _open(opened, state_dir, os.O_RDONLY | os.O_DIRECTORY)
            file = _open(opened, state_dir / FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        except OSError as error:
            raise ConfigWrong(f"state_dir {state_dir}: {error.strerror}") from error
        await _lock(file, folder, state_dir, wait_s)
        with suppress(OSError):  # a full disk: the lock holds without its comment
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        yield


async def _lock(file: int, folder: int, state_dir: Path, wait_s: float) -> None:
    import trio  # 90 ms that who only asks a daemon need not pay

    give_up_at = trio.current_time() + wait_s
    while not _try(file, folder, fcntl.LOCK_EX):
        if trio.current_time() >= give_up_at:
            raise StateDirBusy(
                f"{state_dir} is in use by another hermes-trio: {holder(state_dir)}. "
                "Stop that one, or name another state_dir below [gateway]"
            )
        await trio.sleep(_AGAIN_S)


@contextmanager
def nobody_holds(state_dir: Path) -> Iterator[bool]:
    """Whether there is no daemon; if so none can start before the body ends, so keep that short."""
    with ExitStack() as opened:
        try:
            folder = file = _open(opened, state_dir, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(FileNotFoundError):
                file = _open(opened, state_dir / FILE, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            yield True
            return
        except OSError as error:
            raise ConfigWrong(f"{error.filename}: {error.strerror}") from error
        yield _try(file, folder, fcntl.LOCK_SH)


def holder(state_dir: Path) -> str:
    """Who wrote itself into the lock last, for messages: "pid 42"."""
    pid = _written(state_dir)
    return "it has not said its pid" if pid is None else f"pid {pid}"


def running_pid(state_dir: Path) -> int | None:
    """The pid of the daemon that holds the lock; None: there is none, or it has not said.

    Raises:
        ConfigWrong: the folder may not be looked into.
    """
    with nobody_holds(state_dir) as free:
        return None if free else _written(state_dir)


def _written(state_dir: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int((state_dir / FILE).read_text())
    return None


def _open(opened: ExitStack, path: Path, how: int) -> int:
    fd = os.open(path, how | os.O_CLOEXEC, 0o600)
    opened.callback(os.close, fd)
    return fd


def _try(file: int, folder: int, how: int) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    try:
        fcntl.flock(folder, how | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(file, fcntl.LOCK_UN)
        return False
    except OSError:  # a file system that locks no folder: the file's lock is all there is
        pass
    return True
