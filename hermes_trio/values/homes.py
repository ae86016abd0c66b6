"""Which of the boots alive is home to a key: advice that spreads work. The rows decide."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b


def home(of: str, boots: Iterable[int]) -> int | None:
    """The boot that wins for this text, None if there is no boot.

    Each asks the same rows, so each finds the same. When a boot comes or goes, only what it wins moves.
    """
    return max(boots, key=lambda boot: blake2b(f"{boot} {of}".encode(), digest_size=8).digest(), default=None)
