"""The beginning of a text that nobody has redacted yet."""

from __future__ import annotations

CUT = "…"


def whole_words(text: str, most: int) -> str:
    """The text as it is, or as many of its first words as fit, and an ellipsis.

    No word is cut in two: secrets are redacted by their value, and half of one has another.

    Args:
        most: so many characters.
    """
    if len(text) <= most:
        return text
    words = text[: most - len(CUT)].rsplit(maxsplit=1)
    return (words[0] if len(words) == 2 else "") + CUT
