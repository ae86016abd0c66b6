"""How long to wait before the next try: full jitter, so that many do not try in step.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations


def backoff_s(failures: int, chance: float = 1.0, *, first_s: float = 0.5, cap_s: float = 60.0) -> float:
    """Seconds to wait before the next try, after `failures` in a row before this one.

    Args:
        chance: full jitter, for one in [0, 1). 1: none, where one waits for all.
        first_s, cap_s: the ceiling after the first failure, which doubles with each, and the longest.

    At least a tenth of the ceiling: a try in the same instant would tell nothing new.
    """
    ceiling = min(cap_s, first_s * float(1 << min(failures, 30)))
    return ceiling * (0.1 + 0.9 * chance)
