"""The text of an exception that foreign code raised, made safe for every place where it is shown.

Adapters, tools and models are foreign code. The text of their exceptions may hold lone surrogates, may be
missing, or its `__str__` may raise. None of that may end the task that only wants to say what has happened.
A text is cut after secrets were taken out of it, or between two words: half a secret would not be recognised.
"""

from __future__ import annotations

import errno

from hermes_trio.text.sanitize import clean
from hermes_trio.text.whole_words import whole_words

SHORT_CHARS = 2_000


def has_no_place(error: BaseException) -> bool:
    """Whether the machine had no descriptor left: wherever that was noticed, nobody there is at fault."""
    return isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE)


def told(error: BaseException) -> str:
    """`Kind: text`, clean; the kind alone where there is no text."""
    text = said_by(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def told_in_short(error: BaseException) -> str:
    """The same, of what is long its first words: for the log, and for what is kept of a failure."""
    return whole_words(told(error), SHORT_CHARS)


def said_by(error: BaseException) -> str:
    """What it says, clean; never raises."""
    try:
        return clean(str(error))
    except Exception:  # noqa: BLE001 - it is a stranger's code that fails, and this is only about its words
        return "its text cannot be read"
