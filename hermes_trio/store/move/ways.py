"""The two ways of a store: from a file into a database, and back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hermes_trio.store.move.copy import MoveReport, move
from hermes_trio.store.move.database_side import database_side
from hermes_trio.store.move.file_side import file_side
from hermes_trio.store.move.tables import INTO_DATABASE, INTO_FILE


def into_database(path: Path, url: str, node: str, say: Callable[[str], None]) -> MoveReport:
    """Move a store's file into a PostgreSQL database; blocks. Nobody may use either meanwhile.

    Args:
        url: "postgresql://...". Its schema is made if it is empty.
        node: how the daemon of this machine is called there.
        say: told how far it is.

    Raises:
        StoreRefused: one of them is no store that this program can move, the database is not empty, or it
            gave back something else than it was given. Both are as they were.
        StoreFailed: the disk or the server fails, or somebody else holds one of them.
    """
    with file_side(path, must_exist=True) as source, database_side(url, must_exist=False) as target:
        return move(source, target, INTO_DATABASE, node, say)


def into_file(url: str, path: Path, node: str, say: Callable[[str], None]) -> MoveReport:
    """Move a store back into a file, which is made if it is not there; blocks.

    Args, Raises: as for `into_database`.
    """
    with database_side(url, must_exist=True) as source, file_side(path, must_exist=False) as target:
        return move(source, target, INTO_FILE, node, say)
