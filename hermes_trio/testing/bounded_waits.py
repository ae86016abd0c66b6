"""No wait of a World is endless: each has a virtual deadline, and prints what happened when it passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from hermes_trio.errors import HermesError

__tracebackhide__ = True  # pytest shows the line of the test that waited
PATIENCE_S = 3600.0
TIE_S = 1.0
"""What is due when the hour ends, such as the end of a sleep of two hours after one, may still come."""
FURTHER = "; no wait is longer: `await world.until(hours=...)` goes to a later time first"


class Patience:
    """Every wait of the World has a virtual deadline and prints the timeline."""

    def __init__(self, what: str | Callable[[], str], timeline: Callable[[], str]) -> None:
        self._what = what
        self._timeline = timeline
        self._scope = trio.move_on_after(PATIENCE_S + TIE_S)

    def __enter__(self) -> None:
        self._scope.__enter__()

    def __exit__(self, *raised: Any) -> bool | None:
        swallowed = self._scope.__exit__(*raised)
        if self._scope.cancelled_caught:
            awaited = self._what if isinstance(self._what, str) else self._what()
            what = f"waited {PATIENCE_S:.0f} virtual s for {awaited}{FURTHER}"
            raise WaitedTooLong(f"{what}\n{self._timeline()}") from None
        return swallowed


class WaitedTooLong(HermesError, AssertionError):
    """The World waited for something that did not happen; the timeline is in the text."""
