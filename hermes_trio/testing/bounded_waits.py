"""No wait of a World is endless: each has a virtual deadline, and prints what happened when it passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from hermes_trio.errors import HermesError

PATIENCE_S = 3600.0
FURTHER = "; no wait is longer: `await world.until(hours=...)` goes to a later time first"


class Patience:
    """Every wait of the World has a virtual deadline and prints the timeline."""

    def __init__(self, what: str, timeline: Callable[[], str]) -> None:
        self._what = what
        self._timeline = timeline
        self._scope = trio.move_on_after(PATIENCE_S)

    def __enter__(self) -> None:
        self._scope.__enter__()

    def __exit__(self, *raised: Any) -> bool | None:
        swallowed = self._scope.__exit__(*raised)
        if self._scope.cancelled_caught:
            what = f"waited {PATIENCE_S:.0f} virtual s for {self._what}{FURTHER}"
            raise WaitedTooLong(f"{what}\n{self._timeline()}")
        return swallowed


class WaitedTooLong(HermesError, AssertionError):
    """The World waited for something that did not happen; the timeline is in the text."""
