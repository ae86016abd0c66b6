"""Where secrets stand in a text, and the text without them; also of a text that is not complete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

Range = tuple[int, int]
REDACTED = "***"


class Seeks(Protocol):
    """Knows secrets."""

    def __call__(self, text: str, /) -> str:
        """The text without them."""
        ...

    def found(self, text: str, /) -> Sequence[Range]:
        """Where they stand in the text, in order, apart from one another."""
        ...

    def certain_to(self, text: str, /) -> int:
        """Up to where a text holds no beginning of one, whatever follows it."""
        ...


def replaced(text: str, ranges: Sequence[Range]) -> str:
    """The text without what stands there."""
    pieces, last = [], 0
    for start, end in ranges:
        pieces += [text[last:start], REDACTED]
        last = end
    return "".join((*pieces, text[last:]))


def certain_part(text: str, secrets: Seeks, most: int | None = None) -> tuple[str, int]:
    """What of a text that is not complete may be shown, without secrets, and how much of the text that is.

    Args:
        most: so many of its characters at most.
    """
    ranges = secrets.found(text)
    most = len(text) if most is None else most
    cut = min(secrets.certain_to(text), most)
    # The end of one that is complete may look like the beginning of another.
    for start, end in ranges:
        if start < cut < end:
            cut = end if end <= most else start
    return secrets(text[:cut]) if ranges else text[:cut], cut


def shared(one: str, other: str) -> int:
    """How many characters at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
