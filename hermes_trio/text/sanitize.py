"""Text as every store, model and platform takes it: Unicode scalar values, and no NUL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

# White space, controls, what Unicode says is shown as nothing, and the blank pattern of Braille.
_NOTHING = (
    r"\s\x00-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\ufffc"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
VISIBLE = re.compile(f"[^{_NOTHING}]")
"""A character that shows by itself."""


def shows(text: str) -> bool:
    """Whether a reader sees anything of it. What shows nothing is no answer, and platforms refuse it."""
    return VISIBLE.search(text) is not None


def clean(text: str) -> str:
    """The text with surrogates joined to characters, or replaced where they stand alone, and without NUL."""
    return text if is_clean(text) else scalars(text).replace("\0", "")


def is_clean(text: str) -> bool:
    """Whether `clean` would change nothing, as of nearly every text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def visible(text: str, keep: str = "\n\t") -> str:
    """The text as a terminal may be given it: what moves a cursor, sets a colour, is not seen or turns the
    order of characters round is written out, as in JSON.

    Args:
        keep: what stays although it moves the cursor.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in keep else json.dumps(one)[1:-1] for one in text)


def scalars(text: str) -> str:
    """Text in which surrogates are joined to characters, or replaced where they stand alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def cleaned(value: Any) -> Any:
    """The same lists and mappings with every text in them clean."""
    return mapped(value, clean)


def mapped(value: Any, change: Callable[[str], str]) -> Any:
    """The same lists and mappings with every text in them changed; numbers stay what they are."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return [mapped(one, change) for one in value]
    if isinstance(value, dict):
        return {mapped(key, change): mapped(one, change) for key, one in value.items()}
    return value
