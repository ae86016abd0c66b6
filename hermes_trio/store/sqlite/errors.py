"""What an error of SQLite says: the file is wrong, the disk fails now, or another program holds the file."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hermes_trio.errors import StoreFailed, StoreLocked, StoreRefused

LOCKED = ("SQLITE_BUSY", "SQLITE_LOCKED")
MAY_PASS = ("SQLITE_FULL", "SQLITE_IOERR")
FULL_BYTES = 1 << 20
DISK_ERRORS = (*MAY_PASS, "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_READONLY")


def translated(error: Exception) -> Exception:
    """An error of a promise, as its caller is to see it."""
    if isinstance(error, sqlite3.Error) and not isinstance(error, sqlite3.IntegrityError):
        if "decode to UTF-8" in str(error):
            return error  # the row, not the disk
        name = _name(error)
        if name.startswith(LOCKED):
            return StoreLocked(f"{name}: {error}")
        if name.startswith(DISK_ERRORS) or isinstance(error, sqlite3.OperationalError):
            return StoreFailed(f"{name or type(error).__name__}: {error}")
    return error


@contextmanager
def of_a_start(path: Path | str, and_then: str = "") -> Iterator[None]:
    """While the body runs, what SQLite raises is told of this file.

    What may pass by itself is no fault of the file: a start that meets it may be tried again.

    Raises:
        StoreLocked, StoreFailed: another program holds the file; the disk is full or fails.
        StoreRefused: anything else. `and_then` ends its text.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = _name(error)
        if name.startswith(LOCKED):
            raise StoreLocked(f"{path}: {error}") from error
        if name.startswith(MAY_PASS):
            raise StoreFailed(f"{path}: {error}{_room_at(path)}") from error
        raise StoreRefused(f"{path}: {error}{and_then}") from error


def _room_at(path: Path | str) -> str:
    """A full disk is also told as one that fails: SQLite maps its shared memory before it writes."""
    with suppress(OSError):
        disk = os.statvfs(Path(path).parent)
        if disk.f_bavail * disk.f_frsize < FULL_BYTES:
            return "; the disk is full: make room"
    return ""


def _name(error: sqlite3.Error) -> str:
    return getattr(error, "sqlite_errorname", None) or ""
