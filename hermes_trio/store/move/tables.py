"""What is moved: the tables of the schema, what each column holds, and what is read otherwise than it stands.

Where a store is not shared, the next boot settles what the last one left. Where it is, a boot is buried when
its lease is over, once. So a boot that the other kind of store is to settle is read as it expects it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import cache
from typing import Literal

from msgspec import Struct

from hermes_trio.store.sqlite.migrations import MIGRATIONS

ColumnKind = Literal["integer", "real", "text", "blob"]
STAY = ("mark", "key_task", "account_holder", "signal")
"""The first says where a store is. The others are of boots that live: none does while a store is moved."""


class Column(Struct, frozen=True):
    """A column.

    Args:
        may_be_null: it need not hold anything.
    """

    name: str
    kind: ColumnKind
    may_be_null: bool


class MovedTable(Struct, frozen=True):
    """A table.

    Args:
        numbered: its column `id` is given out by the database.
    """

    name: str
    columns: tuple[Column, ...]
    numbered: bool

    @property
    def names(self) -> str:
        """Its columns, as statements have them."""
        return ", ".join(column.name for column in self.columns)


ReadOtherwise = Mapping[tuple[str, str], str]
"""By table and column: the SQL that is read for it. `{node}` is a value: how this node is called."""

_LAST = "(select max(id) from boot)"
INTO_DATABASE: ReadOtherwise = {
    # The boots were this node's: it reaps the programs of the last one, and says what that held back.
    ("boot", "node"): "coalesce(node, {node})",
    # The last one is buried there; that counts its interrupted turns and puts its sends in doubt.
    ("boot", "ended_at"): f"case when id = {_LAST} then null else ended_at end",
    ("boot", "buried_at"): f"case when id = {_LAST} then null else buried_at end",
    ("outbound", "boot"): (
        f"case when state in ('held', 'owed', 'sending', 'live') then {_LAST} else boot end"
    ),
}
INTO_FILE: ReadOtherwise = {
    # The next boot counts each running turn as interrupted; those of boots that are over are counted already.
    ("session", "interrupted"): (
        "case when exists (select 1 from turn join boot on boot.id = turn.boot"
        " where turn.session = session.id and turn.state = 'running' and turn.paused_at is null"
        " and coalesce(boot.ended_at, boot.buried_at) is not null)"
        " then greatest(interrupted - 1, 0) else interrupted end"
    ),
    # A number of a process means nothing on another machine.
    ("process", "pid"): "case when (select node from boot where id = process.boot) = {node} then pid end",
}


@cache
def tables() -> tuple[MovedTable, ...]:
    """The tables that are moved, as the schema of this program has them."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        db.executescript("".join(MIGRATIONS))
        names = db.execute(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite%' order by name"
        )
        return tuple(_table(db, name) for (name,) in names.fetchall() if name not in STAY)


def _table(db: sqlite3.Connection, name: str) -> MovedTable:
    found = db.execute(f"pragma table_info({name})").fetchall()
    columns = tuple(
        Column(column, kind.lower(), may_be_null=not (filled or key))
        for _, column, kind, filled, _, key in found
    )
    return MovedTable(name, columns, numbered=columns[0].name == "id")


def selected(table: MovedTable, read: ReadOtherwise, node: str) -> str:
    """The query for a table's rows.

    Args:
        node: the place of the value that is the node's name.
    """
    columns = (read.get((table.name, column.name), column.name).format(node=node) for column in table.columns)
    return f"select {', '.join(columns)} from {table.name}"
