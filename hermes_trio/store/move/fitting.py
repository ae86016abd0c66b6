"""A value that a file of SQLite holds, as a column of PostgreSQL can: SQLite keeps anything anywhere.

Only what no promise can read is changed by this, and each change is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from hermes_trio.store.move.tables import Column, ColumnKind, MovedTable
from hermes_trio.store.postgres.statements import NO_NUL

_EMPTY: dict[ColumnKind, Any] = {"integer": 0, "real": 0.0, "text": "", "blob": b""}
_HELD: dict[ColumnKind, type] = {"integer": int, "real": float, "text": str, "blob": bytes}


RowValues = tuple[Any, ...]


def fitting(table: MovedTable, rows: Iterable[RowValues], changed: Counter[str]) -> Iterator[RowValues]:
    """The rows, each value of its column's kind.

    Args:
        changed: told, by table and column, how many values are others now.
    """
    kinds = [_HELD[column.kind] for column in table.columns]
    for row in rows:
        if all(map(_fits, row, kinds)):
            yield row
            continue
        fitted = tuple(map(_fitted, table.columns, row))
        for column, old, new in zip(table.columns, row, fitted, strict=True):
            # What is written as text is the same as bytes.
            if new != old and new != _as_bytes(old):
                changed[f"{table.name}.{column.name}"] += 1
        yield fitted


def _fits(value: Any, kind: type) -> bool:
    if kind is str and isinstance(value, str):
        return "\0" not in value
    return value is None or type(value) is kind


def _fitted(column: Column, value: Any) -> Any:
    match column.kind, value:
        case _, None:
            return None
        case "text", str() | bytes():
            text = value if isinstance(value, str) else value.decode(errors="replace")
            return text.replace("\0", NO_NUL.decode())
        case "blob", str() | bytes():
            return _as_bytes(value)
        case "integer", int():
            return value
        case "real", int() | float():
            return float(value)
    return None if column.may_be_null else _EMPTY[column.kind]


def _as_bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
