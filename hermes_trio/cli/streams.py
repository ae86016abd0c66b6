"""The standard streams of a program that cannot choose them."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from typing import TextIO


def put_in_place() -> None:
    """Let each standard stream be one: what is closed becomes /dev/null.

    Else the next file or socket that is opened gets its number, and what is written to it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free
            os.set_inheritable(number, True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115


def brings_lines(number: int) -> bool:
    """Whether lines can come from this descriptor: a terminal, a pipe, a file, a socket. Not /dev/null."""
    mode = os.fstat(number).st_mode
    return os.isatty(number) or stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def let_go_of(stream: TextIO) -> None:
    """Nothing more is written to it, so that its last flush does not fail again."""
    with suppress(OSError):  # no descriptor is left: nothing is written there without one either
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
