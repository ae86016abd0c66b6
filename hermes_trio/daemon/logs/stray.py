"""What Python itself would write to standard error becomes lines of our log: warnings, errors nobody gets."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from hermes_trio.ports.system import Log
from hermes_trio.runtime.tracebacks import FOLDED, traceback_of
from hermes_trio.text.foreign_errors import told

NOT_AWAITED = re.compile(r"coroutine '([^']*)' was never awaited")


@contextmanager
def stray_errors_to(log: Log) -> Iterator[None]:
    """While the body runs: what is a fault in some code and has no caller who hears of it."""

    def warned(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        # Where a coroutine is dropped at the end of its caller, Python names who cleared that away: us.
        at = None if filename.startswith(tuple(FOLDED)) else f"{filename}:{lineno}"
        forgotten = NOT_AWAITED.match(str(message))
        if forgotten:
            log.warning("not awaited", call=forgotten[1], at=at)
        else:
            log.warning("python warning", kind=category.__name__, text=str(message), at=at)

    def unraised(stray: sys.UnraisableHookArgs) -> None:
        name = getattr(stray.object, "__qualname__", None) or type(stray.object).__name__
        tell(name, stray.exc_value)

    def thread_ended(stray: threading.ExceptHookArgs) -> None:
        if not issubclass(stray.exc_type, SystemExit):
            tell(stray.thread.name if stray.thread else "", stray.exc_value)

    def tell(where: str, error: BaseException | None) -> None:
        trace = None if error is None else traceback_of(error)
        log.error("python error", where=where, error=None if error is None else told(error), traceback=trace)

    before = sys.unraisablehook, threading.excepthook
    with warnings.catch_warnings():
        warnings.showwarning = warned
        sys.unraisablehook, threading.excepthook = unraised, thread_ended
        try:
            yield
        finally:
            sys.unraisablehook, threading.excepthook = before
