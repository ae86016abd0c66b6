"""What an error of PostgreSQL says: the rows are wrong, the server fails, or somebody holds a lock."""

from __future__ import annotations

import psycopg

from hermes_trio.errors import StoreFailed, StoreLocked

LOCKED = ("40001", "40P01", "55P03")
"""A serialization failure, a deadlock, a lock that is not had in time."""
OF_ROWS = ("22", "23")
"""The classes of errors that say something of the values or the rows."""


def translated(error: Exception) -> Exception:
    """An error of a promise, as its caller is to see it."""
    if not isinstance(error, psycopg.Error):
        return error
    state = error.sqlstate or ""
    if state in LOCKED:
        return StoreLocked(f"PostgreSQL {state}: {said(error)}")
    if state[:2] in OF_ROWS or state[:2] == "42":
        return error
    return StoreFailed(f"PostgreSQL {state or type(error).__name__}: {said(error)}")


_LASTING = (
    "authentication failed",
    "no password supplied",
    "no pg_hba.conf entry",
    "pg_hba.conf rejects",
    "does not exist",
    "is not permitted to log in",
    "permission denied for database",
    "invalid port number",
    "certificate verify failed",
    "does not support SSL",
)
"""What a server says that lets nobody in before something is changed. Who connects is told no code."""


def is_lasting(error: BaseException | None) -> bool:
    """Whether a connection was refused for what the url says, or for what it names and is not there."""
    if isinstance(error, psycopg.ProgrammingError):
        return True
    return isinstance(error, psycopg.OperationalError) and any(one in str(error) for one in _LASTING)


def said(error: BaseException) -> str:
    """The first line of what it says."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
