"""How long to wait before the next try: full jitter, so that many do not try in step.

Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations


def full_jitter(attempt: int, chance: float, *, first_s: float = 0.5, cap_s: float = 60.0) -> float:
    """Seconds before try `attempt` + 1, for a chance in [0, 1).

    At least a tenth of the ceiling: a try in the same instant would tell nothing new.
    """
    ceiling = min(cap_s, first_s * float(1 << min(attempt, 30)))
    return ceiling * (0.1 + 0.9 * chance)
