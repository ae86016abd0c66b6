"""What an exception of somebody else's says, as text that every sink takes.

Adapters, tools and models are not ours, and so are the texts of what they raise: lone surrogates, no text at
all, a `__str__` that raises itself. None of that may end the task which only wants to say what has happened.
Whoever cuts it does so after secrets were taken out of it, or half of one would be left.
"""

from __future__ import annotations

from collections.abc import Callable

from hermes_trio.text.sanitize import clean


def told(error: BaseException) -> str:
    """`Kind: text`, clean; the kind alone where there is no text."""
    text = text_of(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def text_of(error: BaseException) -> str:
    """What it says, clean; never raises."""
    return _asked(str, error)


def shown(error: BaseException) -> str:
    """Its `repr`, clean; never raises."""
    return _asked(repr, error) or type(error).__name__


def _asked(how: Callable[[object], str], error: BaseException) -> str:
    try:
        return clean(how(error))
    except Exception:  # noqa: BLE001 - it is a stranger's code that fails, and this is only about its words
        return "its text cannot be read"
