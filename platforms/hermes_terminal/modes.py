"""How a terminal is asked to behave while it is talked on, and left as it was."""

from __future__ import annotations

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress

PASTES_MARKED, PASTES_PLAIN = "\x1b[?2004h", "\x1b[?2004l"
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
_IUTF8 = 0x4000


def unmarked(text: str) -> str:
    """The text without the marks of a paste."""
    return text.replace(PASTE_BEGINS, "").replace(PASTE_ENDS, "")


@contextmanager
def erasing_whole_characters(fd: int) -> Iterator[None]:
    """While the body runs a backspace erases a character, not one byte of it. Where nobody types: nothing."""
    if not os.isatty(fd):
        yield
        return
    before = _switch(fd, on=True)
    try:
        yield
    finally:
        if before is not None and not before & _IUTF8:
            _switch(fd, on=False)


def _switch(fd: int, *, on: bool) -> int | None:
    """Returns the flags of before; None where the terminal does not say."""
    with suppress(termios.error):
        modes = termios.tcgetattr(fd)
        before = int(modes[0])
        modes[0] = before | _IUTF8 if on else before & ~_IUTF8
        termios.tcsetattr(fd, termios.TCSANOW, modes)
        return before
    return None
