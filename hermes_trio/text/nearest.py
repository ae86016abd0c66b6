"""The known word somebody most likely meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

CUTOFF = 0.6
WORD_MAX = 64
"""A longer word is no slip of the finger."""


def nearest(word: str, known: Iterable[str], cutoff: float = CUTOFF) -> str | None:
    """The word of `known` closest to `word`, None if none is near enough to be worth a question.

    Case does not count. Of equally near ones the first in alphabetical order.
    """
    if len(word) > WORD_MAX:
        return None
    by_folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    found = get_close_matches(word.casefold(), sorted(by_folded), n=1, cutoff=cutoff)
    return by_folded[found[0]] if found else None
