"""How old something is that was written down with the time of the wall clock, which anybody may set."""

from __future__ import annotations

from collections import deque

import msgspec
import trio

from hermes_trio.ports.system import WallClock

STEP_S = 1.0
"""A smaller difference between the two clocks is how they run, not a step."""
SLACK_S = 10.0
"""A time may be written down so long before or after the look at the clock that belongs to it."""
SETTINGS_MAX = 32


class _Setting(msgspec.Struct):
    """The wall clock was `ahead` of the loop's clock from `since` to `until`, times of the loop's clock."""

    ahead: float
    since: float
    until: float


class Ages:
    """Ages by what this process saw pass, however the wall clock was set meanwhile.

    A clock that is set back says the same times twice: then the later moment counts, and the age may be too
    small by as much as the clock was set back. Of what is older than this object, or than the last 32
    settings of the clock, the wall clock says how old it was then: nobody else knows.
    """

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        began = trio.current_time()
        first = _Setting(clock.now() - began, began, began)
        self._settings = deque([first], maxlen=SETTINGS_MAX)

    def look(self) -> None:
        """See whether the wall clock was set. What is written down between two looks may be told wrong."""
        passed = trio.current_time()
        ahead, last = self._clock.now() - passed, self._settings[-1]
        if abs(ahead - last.ahead) < STEP_S:
            last.until = passed
        else:
            self._settings.append(_Setting(ahead, last.until, passed))

    def age_s(self, at: float) -> float:
        """Seconds since what was written down with this wall time; 0 if that was in the future."""
        self.look()
        passed = trio.current_time()
        for one in reversed(self._settings):
            if one.since - SLACK_S <= at - one.ahead <= one.until + SLACK_S:
                return max(0.0, passed - (at - one.ahead))
        first = self._settings[0]
        return passed - first.since + max(0.0, first.since + first.ahead - at)
