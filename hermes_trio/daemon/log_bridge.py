"""What adapters and libraries say through the standard library's `logging` becomes lines of our log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from hermes_trio.log import Log


class _Bridge(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """One line; what does not format loses its arguments."""
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        trouble = record.exc_info[1] if record.exc_info else None
        error = None if trouble is None else f"{type(trouble).__name__}: {trouble}"
        write = self._log.warning if record.levelno >= logging.WARNING else self._log.info
        write(record.name, text=text, error=error)


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
