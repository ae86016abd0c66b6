"""One connection to PostgreSQL that runs the statements of promises, each prepared once.

It speaks to libpq through `psycopg.pq`: a statement costs a third of the CPU that psycopg's cursors take, and
PostgreSQL itself says of which type each place is. Pipeline mode was measured too, and gained nothing that
lasts: most statements of a promise need what the one before has found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from hermes_trio.store.postgres.statements import BYTEA, in_order, received, sent, translated

_GOOD = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK, pq.ExecStatus.EMPTY_QUERY)
_Read = Callable[[bytes], Any]


class _Prepared(NamedTuple):
    name: bytes
    names: tuple[str, ...]
    places: tuple[int, ...]
    formats: list[int]
    columns: tuple[tuple[Any, ...], ...]
    reads: tuple[_Read, ...]


class PostgresRows:
    """What a statement found, or how many rows it changed. See `transaction.Rows`."""

    def __init__(self, result: pq.abc.PGresult, prepared: _Prepared) -> None:
        self._result = result
        self._reads = prepared.reads
        self._next = 0
        self.description = prepared.columns

    @property
    def rowcount(self) -> int:
        """See `Rows`."""
        return self._result.command_tuples or 0

    def fetchone(self) -> Any:
        """See `Rows`."""
        if self._next >= self._result.ntuples:
            return None
        row, get = self._next, self._result.get_value
        self._next += 1
        return tuple(
            [
                None if (value := get(row, column)) is None else read(value)
                for column, read in enumerate(self._reads)
            ]
        )

    def fetchall(self) -> list[Any]:
        """See `Rows`."""
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        """See `Rows`."""
        while (row := self.fetchone()) is not None:
            yield row


class PostgresConnection:
    """Statements over one open connection. Each call blocks until the server has answered.

    Args:
        opened: by psycopg, which knows addresses, passwords and TLS. It is closed with this.

    Raises (each call):
        psycopg.Error: what the server says, or that it cannot be reached.
    """

    def __init__(self, opened: psycopg.Connection[Any]) -> None:
        self._opened = opened
        self._pq = opened.pgconn
        self._prepared: dict[str, _Prepared] = {}

    @property
    def is_broken(self) -> bool:
        """The server is gone, or the way to it."""
        return self._pq.status != pq.ConnStatus.OK

    @property
    def backend_pid(self) -> int:
        """Of the server's process, as the connection was told when it was opened."""
        return self._pq.backend_pid

    @property
    def in_transaction(self) -> bool:
        """A transaction is open, well or failed."""
        return self._pq.transaction_status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    def close(self) -> None:
        """End it; what was not committed is undone."""
        self._opened.close()

    def script(self, sql: str) -> None:
        """Run statements without values."""
        self._good(self._pq.exec_(sql.encode()))

    def execute(self, sql: str, args: Any = (), /) -> PostgresRows:
        """Run a promise's statement."""
        prepared = self._prepared.get(sql) or self._prepare(sql)
        values: list[Any] = [
            sent(value, oid)
            for value, oid in zip(in_order(prepared.names, args), prepared.places, strict=True)
        ]
        result = self._pq.exec_prepared(prepared.name, values, prepared.formats, 1)
        return PostgresRows(self._good(result), prepared)

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a promise's statement once for each row of values."""
        for row in rows:
            self.execute(sql, row)

    def _prepare(self, sql: str) -> _Prepared:
        text, names = translated(sql)
        name = b"h%d" % len(self._prepared)
        self._good(self._pq.prepare(name, text.encode()))
        known = self._good(self._pq.describe_prepared(name))
        places = tuple(known.param_type(one) for one in range(known.nparams))
        prepared = _Prepared(
            name=name,
            names=names,
            places=places,
            formats=[int(oid == BYTEA) for oid in places],
            columns=tuple(((known.fname(one) or b"").decode(),) for one in range(known.nfields)),
            reads=tuple(received(known.ftype(one)) for one in range(known.nfields)),
        )
        self._prepared[sql] = prepared
        return prepared

    def _good(self, result: pq.abc.PGresult) -> pq.abc.PGresult:
        if result.status in _GOOD:
            return result
        if self.is_broken:
            raise psycopg.OperationalError(self._pq.get_error_message().strip() or "the connection is lost")
        raise error_from_result(result)
