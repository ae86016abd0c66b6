"""What a terminal can do. Its settings are changed while it is used, and put back afterwards."""

from __future__ import annotations

import os
import re
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

PASTES_MARKED, PASTES_PLAIN = "\x1b[?2004h", "\x1b[?2004l"
PASTE_BEGINS, PASTE_ENDS = "\x1b[200~", "\x1b[201~"
_IUTF8 = 0x4000
# What writes nothing: cursor and function keys, Escape, Ctrl with a letter, and the marks of a paste.
KEYS = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])?|[\x00-\x08\x0b-\x1f\x7f]"
_KEYS = re.compile(KEYS)


_DUMB = frozenset({"dumb", "unknown"})


def is_dumb(environment: Mapping[str, str]) -> bool:
    """Whether the terminal shows escape sequences as what they are, like that of an editor."""
    return environment.get("TERM", "") in _DUMB


def has_colour(environment: Mapping[str, str]) -> bool:
    """Whether colours are welcome (https://no-color.org)."""
    return not environment.get("NO_COLOR")


def typed_text(text: str) -> str:
    """What was typed or pasted, without the marks of a paste and without keys that nothing here acts upon."""
    return _KEYS.sub("", text)


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
