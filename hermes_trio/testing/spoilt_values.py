"""What can become of one value of a store's row: the disk gave back something else than was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Literal, Protocol

Rubbish = Literal[
    "rubbish", "utf8", "blob", "null", "number", "negative", "huge", "infinite", "truncated", "deep"
]
SPOILT: Mapping[Rubbish, str] = {
    "rubbish": "'{{rubbish'",
    "utf8": "cast(x'5b22ff' || cast({0} as blob) as text)",
    "blob": "x'00ff7b'",
    "null": "null",
    "number": "7",
    "negative": "-9223372036854775808",
    "huge": "9223372036854775807",
    "infinite": "9e999",
    "truncated": "substr({0}, 1, length({0}) / 2)",
    "deep": "'{{\"deep\":' || replace(hex(zeroblob(100000)), '0', '[')",
}
"""Each kind as the SQL of the new value; `{0}` is the old one."""


def columns(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every (table, column) of a store whose value can change. A row with another number is another row."""
    tables = db.execute("select name from sqlite_master where type = 'table' and name not like 'sqlite%'")
    return [
        (table, column)
        for (table,) in tables.fetchall()
        for _, column, _, _, _, _ in db.execute(f"pragma table_info({table})").fetchall()
        if column != "id"
    ]


class Spoilable(Protocol):
    """A database of another kind than SQLite, whose values can be spoilt."""

    def spoil(self, table: str, column: str, how: Rubbish, back: int) -> bool:
        """See `spoil`. What its column cannot hold is left as it is too."""


def spoil(db: sqlite3.Connection | Spoilable, table: str, column: str, how: Rubbish, back: int = 0) -> bool:
    """Spoil this column of one row. Returns whether it is another value now.

    Args:
        back: which row: 0 is the newest that has a value there, 1 the one before, and so on.

    What the schema itself refuses, as a null where none may be, is left as it is.
    """
    if not isinstance(db, sqlite3.Connection):
        return db.spoil(table, column, how, back)
    keys = _keys(db, table)
    row = db.execute(
        f"select {', '.join(f'cast({key} as blob)' for key in keys)} from {table}"
        f" where {column} is not null order by {', '.join(f'{key} desc' for key in keys)} limit 1 offset ?",
        (back,),
    ).fetchone()
    if row is None:
        return False
    here = " and ".join(f"cast({key} as blob) = ?" for key in keys)
    try:
        db.execute(f"update {table} set {column} = {SPOILT[how].format(column)} where {here}", row)
    except sqlite3.IntegrityError:
        return False
    return True


def _keys(db: sqlite3.Connection, table: str) -> list[str]:
    """What names a row."""
    named = [(row[5], row[1]) for row in db.execute(f"pragma table_info({table})") if row[5]]
    return [name for _, name in sorted(named)] or ["rowid"]
