"""Text as every store, model and platform takes it: Unicode scalar values, and no NUL."""

from __future__ import annotations

from typing import Any


def clean(text: str) -> str:
    """The text with surrogates joined to characters, or replaced where they stand alone, and without NUL."""
    return (text if text.isascii() else scalars(text)).replace("\0", "")


def scalars(text: str) -> str:
    """Text in which surrogates are joined to characters, or replaced where they stand alone."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def cleaned(value: Any) -> Any:
    """The same lists and mappings with every text in them clean."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list | tuple):
        return [cleaned(one) for one in value]
    if isinstance(value, dict):
        return {cleaned(key): cleaned(one) for key, one in value.items()}
    return value
