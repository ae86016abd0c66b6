"""From the bytes of an input to its lines. Pure, apart from `read`."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

import trio
from msgspec import Struct

from hermes_trio import PlatformDown

LINE_MAX = 1024 * 1024
"""The longest line in bytes; a longer one is cut there and counts as undecodable."""

_CHUNK = 64 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Line(Struct, frozen=True):
    """One line of the input.

    Args:
        number: counted from 1, empty ones too.
        raw: its bytes without the line end, at most LINE_MAX of them.
        length: how many bytes it had.
    """

    number: int
    raw: bytes
    length: int

    @property
    def text(self) -> str:
        """The line as text. Bytes that are not UTF-8 are replaced, and a line says so."""
        try:
            return self.raw.decode()
        except UnicodeDecodeError:
            return self.raw.decode(errors="replace") + "\n(some bytes of this line were not UTF-8)"


class Lines:
    """Cuts what is fed into lines; holds at most LINE_MAX bytes of an unfinished one."""

    def __init__(self) -> None:
        self._number = 0
        self._part = bytearray()
        self._length = 0

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that these bytes complete."""
        *ends, rest = data.split(b"\n")
        for end in ends:
            self._keep(end)
            yield self._take()
        self._keep(rest)

    def end(self) -> Iterator[Line]:
        """The last line, if it had no line end."""
        if self._length:
            yield self._take()

    def _keep(self, data: bytes) -> None:
        self._length += len(data)
        self._part += data[: LINE_MAX - len(self._part)]

    def _take(self) -> Line:
        self._number += 1
        raw = bytes(self._part).removesuffix(b"\r")
        if self._number == 1:  # programs of Windows begin what they pipe with it
            raw = raw.removeprefix(_BYTE_ORDER_MARK)
        line = Line(self._number, raw, self._length)
        self._part.clear()
        self._length = 0
        return line


async def read(fd: int) -> bytes:
    """The next bytes of an input, b"" at its end. Works for a tty, a pipe, a file; the loop goes on.

    O_NONBLOCK is never set: standard input, output and error of a terminal are one open file, and the
    next print would fail with EAGAIN. Waiting until a tty or pipe is readable and then reading what is
    there needs no such flag. A file is always readable, and epoll refuses it.

    Raises:
        PlatformDown: the input cannot be read.
    """
    try:
        while True:
            if _can_wait(fd):
                await trio.lowlevel.wait_readable(fd)
            else:
                await trio.lowlevel.checkpoint()
            try:
                return os.read(fd, _CHUNK)
            except BlockingIOError:  # another holder of the open file set O_NONBLOCK and was faster
                await trio.lowlevel.checkpoint()
    except OSError as error:
        if error.errno == errno.EIO:  # a terminal that hung up
            return b""
        raise PlatformDown(f"input: {error.strerror}") from error


def _can_wait(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(fd)
