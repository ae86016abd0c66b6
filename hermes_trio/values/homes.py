"""Which of the boots alive is home to a key: advice that spreads work. The rows decide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from hermes_trio.values.nodes import Node


def home(of: str, boots: Iterable[int]) -> int | None:
    """The boot that wins for this text, None if there is no boot.

    Each asks the same rows, so each finds the same. When a boot comes or goes, only what it wins moves.
    """
    return max(boots, key=lambda boot: blake2b(f"{boot} {of}".encode(), digest_size=8).digest(), default=None)


def home_among(nodes: Sequence[Node], of: str, account: str | None = None) -> int | None:
    """The home of this text among those that drain not, and that serve the account if one is named.

    A node that keeps dying is home to nothing while another lives.
    """
    serving = [one for one in nodes if not one.draining and (account is None or account in one.accounts)]
    return home(of, [one.boot for one in serving if not one.guarded] or [one.boot for one in serving])
