"""A store's file as a side of a move."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from hermes_trio.store.move.tables import MovedTable, ReadOtherwise, selected, tables
from hermes_trio.store.moved_away import away
from hermes_trio.store.sqlite.errors import translated
from hermes_trio.store.sqlite.schema import connect, connect_read_only
from hermes_trio.store.sqlite.tx import text_or_bytes


class FileSide:
    """See `Side`.

    Args:
        db: in a transaction that may write.
    """

    def __init__(self, path: Path, db: sqlite3.Connection) -> None:
        self.name = str(path)
        self._db = db

    def rows(self, table: MovedTable, read: ReadOtherwise, node: str) -> Iterator[tuple[Any, ...]]:
        """See `Side`."""
        return self._db.execute(selected(table, read, ":node"), {"node": node})

    def add(self, table: MovedTable, rows: Iterable[tuple[Any, ...]]) -> None:
        """See `Side`."""
        places = ", ".join("?" * len(table.columns))
        self._db.executemany(f"insert into {table.name}({table.names}) values({places})", rows)

    def is_empty(self) -> bool:
        """See `Side`."""
        return not any(self._db.execute(f"select 1 from {one.name} limit 1").fetchone() for one in tables())

    def ids(self) -> Mapping[str, int]:
        """See `Side`."""
        given = dict(self._db.execute("select name, seq from sqlite_sequence where seq > 0").fetchall())
        (boot,) = self._db.execute("select max(id) from boot").fetchone()
        return {one.name: given[one.name] for one in tables() if one.name in given} | (
            {"boot": boot} if boot else {}
        )

    def go_on_behind(self, ids: Mapping[str, int]) -> None:
        """See `Side`. The next boot is the one after the last that is there."""
        moved = [(name, ids[name]) for name in sorted(ids) if name != "boot"]
        self._db.executemany("delete from sqlite_sequence where name = ?", [(name,) for name, _ in moved])
        self._db.executemany("insert into sqlite_sequence(name, seq) values(?, ?)", moved)

    def mark(self) -> str:
        """See `Side`."""
        return str(self._db.execute("select mark from mark").fetchone()[0])

    def be(self, mark: str) -> None:
        """See `Side`."""
        self._db.execute("update mark set mark = ?", (mark,))

    def leave(self, where: str) -> None:
        """See `Side`."""
        self._db.execute("update mark set place = ?", (away(where),))

    def commit(self) -> None:
        """See `Side`."""
        self._db.execute("commit")


@contextmanager
def file_side(path: Path, *, must_exist: bool) -> Iterator[FileSide]:
    """A store's file for the body. What the body does not commit is undone.

    Args:
        must_exist: it is not made here, and not brought to this program's version.

    Raises:
        StoreRefused: see `connect` and, of what must exist, `connect_read_only`.
        StoreFailed: the disk is full or fails, or another program holds the file.
    """
    if must_exist:
        connect_read_only(path).close()
    with closing(connect(path)) as db:
        db.text_factory = text_or_bytes
        try:
            db.execute("begin immediate")
            yield FileSide(path, db)
        except sqlite3.Error as error:
            raise translated(error) from error
