"""A World's database on PostgreSQL: each life has a connection of its own, and each World an empty schema."""

from __future__ import annotations

import itertools
import re

import psycopg
import pytest

from hermes_trio.store.move.tables import STAY, tables
from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.engine import PostgresEngine
from hermes_trio.store.postgres.schema import connect
from hermes_trio.store.postgres.tx import PostgresTx
from tests.store.shared_postgres import a_schema

TABLES = (*(one.name for one in tables()), *(name for name in STAY if name != "mark"), "writer")
SEQUENCES = (*(one.name for one in tables() if one.numbered), "signal")
EMPTY = (
    f"begin; {' '.join(f'delete from {name};' for name in TABLES)}"
    f"{' '.join(f'alter sequence {name}_id_seq restart;' for name in SEQUENCES)} commit"
)
WRITES = ("insert", "update", "delete")


_numbers = itertools.count()
_spare: list[str] = []
"""Schemas that no World uses now."""


_OF_TESTS = (
    (re.compile(r"cast\((body|value|part|setup) as text\)"), r"convert_from(\1, 'UTF8')"),
    (re.compile(r"json_extract\((\w+), '\$\[(\d)\]'\)"), r"(cast(\1 as jsonb) ->> \2)"),
    (
        re.compile(r"json_extract\((\w+), '\$\.(\w+)'\)"),
        r"(cast(convert_from(\1, 'UTF8') as jsonb) ->> '\2')",
    ),
    (re.compile(r"\bwhere 1\b"), "where true"),
)
"""What tests ask in words of SQLite that no promise uses."""


def _in_postgres(sql):
    for found, words in _OF_TESTS:
        sql = found.sub(words, sql)
    return sql


DEEP = """'{{"deep":' || repeat('[', 200000)"""
NUMBERS = {"null": "null", "number": "7", "negative": f"{-(2**63)}", "huge": f"{2**63 - 1}"}
SPOILT = {
    "integer": NUMBERS,
    "real": {**NUMBERS, "infinite": "'Infinity'"},
    "text": {
        "rubbish": "'{{rubbish'",
        "null": "null",
        "number": "'7'",
        "truncated": "substr({0}, 1, length({0}) / 2)",
        "deep": DEEP,
    },
    "blob": {
        "rubbish": "convert_to('{{rubbish', 'UTF8')",
        "utf8": "'\\x5b22ff' || {0}",
        "blob": "'\\x00ff7b'",
        "null": "null",
        "truncated": "substr({0}, 1, length({0}) / 2)",
        "deep": f"convert_to({DEEP}, 'UTF8')",
    },
}
"""By the kind of a column: what it can hold of `hermes_trio.testing.spoilt_values.SPOILT`."""


class Counting(PostgresConnection):
    """Counts the rows that promises change. The writer's own row is none of them."""

    disk: PostgresDisk

    def execute(self, sql, args=(), /):
        rows = super().execute(sql, args)
        if sql.lstrip().startswith(WRITES) and " writer " not in sql[:20]:
            self.disk.total_changes += rows.rowcount
        return rows


class PostgresDisk:
    """See `hermes_trio.testing.disk.Disk`. What only a file's disk can do skips its test."""

    lent = False

    def __init__(self, server):
        self.total_changes = 0
        self._url = _spare.pop() if _spare else a_schema(server, f"world{next(_numbers)}")
        self._db = connect(self._url, self._counting)
        self._db.script(EMPTY)
        self._engines = []

    def _counting(self, opened):
        made = Counting(opened)
        made.disk = self
        return made

    def _connected(self):
        """A loop that stands still on a busy machine is no frozen program here."""
        db = connect(self._url, self._counting)
        db.script("set idle_in_transaction_session_timeout = 0")
        return db

    def engine(self):
        self._engines.append(PostgresEngine(self._connected, has_clock=False))
        return self._engines[-1]

    def execute(self, sql, args=(), /):
        return self._db.execute(_in_postgres(sql), args)

    def iterdump(self):
        """Every row, by its table."""
        for one in tables():
            yield from sorted(repr((one.name, *row)) for row in self.execute(f"select * from {one.name}"))

    def tx(self, now):
        """To look at what is there, outside of a transaction."""
        return PostgresTx(self._db, 0, now, False, None)

    def spoil(self, table, column, how, back):
        """See `hermes_trio.testing.spoilt_values.spoil`."""
        kind = {(one.name, had.name): had.kind for one in tables() for had in one.columns}
        value = SPOILT.get(kind.get((table, column), ""), {}).get(how)
        if value is None:
            return False
        order = "id" if (table, "id") in kind else "ctid"
        found = self._db.execute(
            f"select cast(ctid as text) from {table} where {column} is not null order by {order} desc"
            f" limit 1 offset {back}"
        ).fetchone()
        if found is None:
            return False
        try:
            self._db.script(f"update {table} set {column} = {value.format(column)} where ctid = '{found[0]}'")
        except psycopg.IntegrityError:
            return False
        return True

    def close(self):
        for engine in self._engines:
            engine.close()
        self._db.close()
        _spare.append(self._url)

    def __setattr__(self, name, value):
        if name in ("full", "fails_in", "fails_times", "locked", "unread_in", "text_factory"):
            pytest.skip("the disk of a file")
        super().__setattr__(name, value)

    def __getattr__(self, name):
        if name in ("full", "locked", "fails_in", "unread_in", "in_transaction"):
            return 0
        pytest.skip(f"{name} of SQLite")
