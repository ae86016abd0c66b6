"""Where log lines go: a stream or a file that can neither hold up the loop nor end the daemon."""

from __future__ import annotations

import io
import os
import select
import stat
from contextlib import suppress
from pathlib import Path

LINE_MAX = select.PIPE_BUF
"""A pipe that is ready takes so many bytes without blocking."""

FILE_MAX = 10_000_000


class Sink(io.TextIOBase):
    """A stream on a descriptor. A line that its reader is too slow for is left out, and later counted.

    Args:
        fd: stays open; it belongs to the caller. It may be a pipe, a socket, a terminal, a file.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lost = 0
        self._poll = select.poll()
        self._poll.register(fd, select.POLLOUT)
        self._is_file = _is_file(fd)

    def write(self, text: str) -> int:
        """Write a line now, or not at all. Never raises."""
        if self._lost and self._put(f"level=warning event=lines_left_out count={self._lost}\n"):
            self._lost = 0
        if self._lost or not self._put(text):
            self._lost += 1
        return len(text)

    def _put(self, text: str) -> bool:
        data = text.encode(errors="replace")
        if len(data) > LINE_MAX:
            data = data[: LINE_MAX - 5] + b'..."\n'
        try:
            return (self._is_file or self._is_ready()) and os.write(self._fd, data) > 0
        except OSError:
            return False

    def _is_ready(self) -> bool:
        ready = self._poll.poll(0)
        return bool(ready) and ready[0][1] & select.POLLOUT != 0


def _is_file(fd: int) -> bool:
    """A file takes a line at once or not at all: it need not be asked."""
    try:
        return stat.S_ISREG(os.fstat(fd).st_mode)
    except OSError:
        return False


class CappedFile(io.TextIOBase):
    """A file that is appended to; past its size it becomes `NAME.1`, and a new one begins.

    Args:
        path: made with mode 0600.
        size_max: in bytes. Twice that is on the disk at most.
    """

    def __init__(self, path: Path, size_max: int = FILE_MAX) -> None:
        self._path = path
        self._size_max = size_max
        self._fd = self._opened()

    def write(self, text: str) -> int:
        """Append a line. A disk that is full loses it. Never raises."""
        with suppress(OSError):
            data = text.encode(errors="replace")
            if os.fstat(self._fd).st_size + len(data) > self._size_max:
                self._turn()
            os.write(self._fd, data)
        return len(text)

    def close(self) -> None:
        """Close the file."""
        if not self.closed:
            os.close(self._fd)
        super().close()

    def _turn(self) -> None:
        self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        fresh = self._opened()
        os.close(self._fd)
        self._fd = fresh

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._path, flags, 0o600)
