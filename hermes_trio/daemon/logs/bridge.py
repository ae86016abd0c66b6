"""What adapters and libraries say through the standard library's `logging` becomes lines of our log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from hermes_trio.ports.system import Log

AGAIN_S = 60.0
REMEMBERED = 100


class _Said:
    """A text that a library said: when it was written, and how often it came since."""

    def __init__(self, at: float) -> None:
        self.at = at
        self.again = 0


class _Bridge(logging.Handler):
    """Writes each record; what a library says over and over once a minute, with how often it came."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log
        self._said: dict[tuple[str, str], _Said] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """One line; what does not format loses its arguments."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        said = self._said_before(record, text)
        if said is not None and 0 <= record.created - said.at < AGAIN_S:
            said.again += 1
            return
        again = said.again if said is not None else 0
        if said is not None:
            said.at, said.again = record.created, 0
        trouble = record.exc_info[1] if record.exc_info else None
        error = None if trouble is None else f"{type(trouble).__name__}: {trouble}"
        write = self._log.warning if record.levelno >= logging.WARNING else self._log.info
        write(record.name, text=text, error=error, again=again or None)

    def _said_before(self, record: logging.LogRecord, text: str) -> _Said | None:
        """What was said in these words before; None, and from now on known, if nothing was.

        Lines of our own parts have one event each, so none of them is left out.
        """
        if record.name.partition(".")[0] == "hermes_trio":
            return None
        known = self._said.get((record.name, text))
        if known is None:
            if len(self._said) == REMEMBERED:
                del self._said[next(iter(self._said))]
            self._said[record.name, text] = _Said(record.created)
        return known


@contextmanager
def standard_logging_to(log: Log) -> Iterator[None]:
    """While the body runs: warnings of everybody, and what parts of hermes-trio say at all."""
    root, ours, bridge = logging.getLogger(), logging.getLogger("hermes_trio"), _Bridge(log)
    level = ours.level
    root.addHandler(bridge)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(bridge)
        ours.setLevel(level)
