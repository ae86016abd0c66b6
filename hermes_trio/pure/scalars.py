"""Text as every store, model and platform takes it: Unicode scalar values, and no NUL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def clean(text: str) -> str:
    """The text with surrogates joined to characters, or replaced where they stand alone, and without NUL."""
    return (text if text.isascii() else scalars(text)).replace("\0", "")


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
