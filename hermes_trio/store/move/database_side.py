"""A PostgreSQL database as a side of a move. Rows go by COPY, which keeps none of them in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from hermes_trio.errors import StoreRefused
from hermes_trio.store.move.tables import ColumnKind, MovedTable, ReadOtherwise, selected, tables
from hermes_trio.store.moved_away import away
from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.errors import translated
from hermes_trio.store.postgres.migrations import MIGRATIONS
from hermes_trio.store.postgres.schema import connect, opened, place_of
from hermes_trio.store.postgres.versions import living_nodes, refuse_others

_TYPES: dict[ColumnKind, str] = {"integer": "int8", "real": "float8", "text": "text", "blob": "bytea"}
_BEGIN = (
    "set client_min_messages = error; set lock_timeout = '10s'; set statement_timeout = 0;"
    " set idle_in_transaction_session_timeout = 0; begin;"
    # Whoever joins or renews writes into these.
    " lock table boot, writer in share row exclusive mode"
)


class DatabaseSide:
    """See `Side`.

    Args:
        db: in a transaction that holds off whoever would write.
    """

    def __init__(self, db: psycopg.Connection[Any]) -> None:
        self._db = db
        self.name = place_of(db)

    def rows(self, table: MovedTable, read: ReadOtherwise, node: str) -> Iterator[tuple[Any, ...]]:
        """See `Side`."""
        query = f"copy ({selected(table, read, '%(node)s')}) to stdout (format binary)"
        with self._db.cursor() as cursor, cursor.copy(query.encode(), {"node": node}) as copy:
            copy.set_types(_types(table))
            yield from copy.rows()

    def add(self, table: MovedTable, rows: Iterable[tuple[Any, ...]]) -> None:
        """See `Side`."""
        query = f"copy {table.name}({table.names}) from stdin (format binary)"
        with self._db.cursor() as cursor, cursor.copy(query.encode()) as copy:
            copy.set_types(_types(table))
            for row in rows:
                copy.write_row(row)

    def is_empty(self) -> bool:
        """See `Side`."""
        return not any(self._one(f"select 1 from {one.name} limit 1") for one in tables())

    def ids(self) -> Mapping[str, int]:
        """See `Side`."""
        found = {
            one.name: self._one(f"select last_value, is_called from {_sequence(one)}") for one in _numbered()
        }
        # A file gives out the boot after the last that is there.
        found["boot"] = self._one("select coalesce(max(id), 0), max(id) is not null from boot")
        return {name: last for name, (last, is_called) in found.items() if is_called}

    def go_on_behind(self, ids: Mapping[str, int]) -> None:
        """See `Side`."""
        for one in _numbered():
            if one.name in ids:
                self._db.execute("select setval(%s, %s)", (_sequence(one), ids[one.name]))

    def mark(self) -> str:
        """See `Side`."""
        return str(self._one("select mark from mark")[0])

    def be(self, mark: str) -> None:
        """See `Side`."""
        self._db.execute("update mark set mark = %s", (mark,))

    def leave(self, where: str) -> None:
        """See `Side`."""
        self._db.execute("update mark set place = %s", (away(where),))

    def commit(self) -> None:
        """See `Side`."""
        self._db.execute("commit")

    def _one(self, sql: str) -> Any:
        return self._db.execute(sql.encode()).fetchone()


def _types(table: MovedTable) -> list[str]:
    return [_TYPES[column.kind] for column in table.columns]


def _numbered() -> list[MovedTable]:
    return [one for one in tables() if one.numbered]


def _sequence(table: MovedTable) -> str:
    return f"{table.name}_id_seq"


@contextmanager
def database_side(url: str, *, must_exist: bool) -> Iterator[DatabaseSide]:
    """A database for the body. What the body does not commit is undone.

    Args:
        must_exist: its schema is not made here, and not brought to this program's version.

    Raises:
        StoreRefused: see `connect`; a boot lives; of what must exist: it is older, or not there.
        StoreFailed: it cannot be reached, or fails.
    """
    if not must_exist:
        connect(url).close()
    with closing(opened(url)) as db:
        try:
            ours = PostgresConnection(db)
            refuse_others(ours, MIGRATIONS)
            ours.script(_BEGIN)
            if nodes := living_nodes(ours):
                raise StoreRefused(
                    f"{nodes} uses this store: stop it first. Who was killed counts until its lease ends"
                )
            yield DatabaseSide(db)
        except psycopg.Error as error:
            raise translated(error) from error
