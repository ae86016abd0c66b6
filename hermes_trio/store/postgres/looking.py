"""A database that is only looked at, beside whoever writes into it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from hermes_trio.errors import StoreFailed
from hermes_trio.store.postgres.errors import said
from hermes_trio.store.postgres.schema import connect_read_only
from hermes_trio.store.postgres.tx import PostgresTx
from hermes_trio.store.postgres.writer_row import TIME, WriterRow


@contextmanager
def looked_at(url: str) -> Iterator[PostgresTx | None]:
    """For promises that only read, while the body runs. Each statement sees what is committed by then.

    Args:
        url: "postgresql://...". Nothing of it is changed.

    Gives None where no gateway has made a store yet. The time is the database's.

    Raises:
        StoreRefused: newer, older, or somebody else's.
        StoreFailed: the server cannot be reached.
    """
    db = connect_read_only(url)
    if db is None:
        yield None
        return
    try:
        (now,) = db.execute(f"select {TIME}").fetchone()
        yield PostgresTx(db, 0, now, shared=True, writers=WriterRow(has_clock=True))
    except psycopg.Error as error:
        raise StoreFailed(f"PostgreSQL: {said(error)}") from error
    finally:
        db.close()
