"""Whether the file that a store writes to still has a name: what is written to one without is not kept."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(path: Path | str) -> Iterator[Callable[[], bool]]:
    """While the body runs, say whether the file has been removed, or another moved to its place.

    The descriptor only points at the file: it takes no lock of SQLite's away when it is closed. Where the
    system has no such descriptors, or the file system counts no names, a file is never taken for removed.
    """
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (AttributeError, OSError):
        yield lambda: False
        return
    try:
        named = os.fstat(fd).st_nlink > 0
        yield lambda: named and os.fstat(fd).st_nlink == 0
    finally:
        os.close(fd)
