"""The lines of a process that its session is told of: those that hold a pattern, several in one report."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.text.message_notes import as_quote

PATTERNS_MAX = 10
PATTERN_CHARS_MAX = 200
SHOWN_LINES = 10
SHOWN_CHARS = 300
INTERVAL_S = 15.0
"""Seconds between two reports of one process."""
PER_PROCESS = 5
"""How many reports one process may make; the last one says that it is muted."""
PER_SESSION = 12
"""How many reports all processes of a session may make."""


def wrong_patterns(patterns: Sequence[object]) -> str | None:
    """What is wrong with these patterns; None: nothing."""
    if len(patterns) > PATTERNS_MAX:
        return f"at most {PATTERNS_MAX} patterns"
    for pattern in patterns:
        if not isinstance(pattern, str) or not pattern.strip() or "\n" in pattern:
            return "a pattern is a text of one line that is not empty"
        if len(pattern) > PATTERN_CHARS_MAX:
            return f"a pattern has at most {PATTERN_CHARS_MAX} characters"
    return None


class Watch:
    """Collects the lines that hold one of the patterns until they are taken.

    A pattern is a plain substring; upper and lower case are the same. So no pattern can take long.
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(pattern.casefold() for pattern in patterns)
        self._lines: list[str] = []
        self._count = 0

    def look(self, lines: Sequence[str]) -> bool:
        """Look at complete lines. Returns whether there is something to report."""
        for line in lines:
            folded = line.casefold()
            if any(pattern in folded for pattern in self._patterns):
                self._count += 1
                if len(self._lines) < SHOWN_LINES:
                    self._lines.append(line[:SHOWN_CHARS])
        return self._count > 0

    def take(self) -> str:
        """What has matched since the last call, quoted, as a text."""
        lines, count = [as_quote(line) for line in self._lines], self._count
        self._lines, self._count = [], 0
        more = count - len(lines)
        return "\n".join([*lines, *([f"[and {more} more matching lines]"] if more else [])])
