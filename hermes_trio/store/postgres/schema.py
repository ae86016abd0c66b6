"""A database, opened and migrated. A newer one, or somebody else's, is refused and left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from hermes_trio.errors import StoreFailed, StoreRefused
from hermes_trio.store.moved_away import refusal
from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.errors import is_lasting, said
from hermes_trio.store.postgres.migrations import MIGRATIONS, Migrations
from hermes_trio.store.postgres.versions import brought_up, version

CONNECT_S = 5
IDLE_S = 3
"""So long a transaction may stand still: a frozen program holds what it has locked no longer."""
_SETTINGS = (
    "set client_min_messages = error; set jit = off; set lock_timeout = '10s'; set statement_timeout = '60s';"
    f" set idle_in_transaction_session_timeout = '{IDLE_S}s';"
    " set default_transaction_isolation = 'read committed'"
)
_TCP = {
    "connect_timeout": CONNECT_S,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}


def opened(url: str) -> psycopg.Connection[Any]:
    """A connection that notices when its server is gone; blocks.

    Raises:
        StoreFailed: the server cannot be reached.
    """
    try:
        return psycopg.connect(url, autocommit=True, **_TCP)  # type: ignore[arg-type]
    except psycopg.ProgrammingError as error:  # what it says may hold a piece of the password
        raise StoreFailed("the url of the store is none that PostgreSQL's library understands") from error
    except psycopg.Error as error:
        why = said(error).removeprefix("connection failed: ")
        what = "lets nobody in by this url" if is_lasting(error) else "cannot be reached"
        raise StoreFailed(f"PostgreSQL {what}: {why}") from error


def place_of(db: psycopg.Connection[Any]) -> str:
    """Which database it is, for a person."""
    return f"PostgreSQL, {db.info.dbname} on {db.info.host or 'this machine'}"


@contextmanager
def _closed_if_refused(db: psycopg.Connection[Any]) -> Iterator[None]:
    """A connection whose body fails is closed. A refusal says which database it is."""
    try:
        yield
    except psycopg.Error as error:
        db.close()
        raise StoreFailed(f"PostgreSQL: {said(error)}") from error
    except StoreRefused as error:
        place = place_of(db)
        db.close()
        raise StoreRefused(f"{place}: {error}") from error
    except BaseException:
        db.close()
        raise


def connect(
    url: str, made: type[PostgresConnection] = PostgresConnection, known: Migrations = MIGRATIONS
) -> PostgresConnection:
    """Connect for a writer of a store; blocks. Its schema is brought to this program's version.

    Args:
        url: "postgresql://...", as libpq takes it.
        made: makes the connection of what psycopg has opened.
        known: what this program makes the schema by.

    Raises:
        StoreRefused: newer, moved elsewhere, somebody else's tables, a server that may forget what it has
            promised, or a pooler that stands before it.
        StoreFailed: the server cannot be reached, somebody else makes the schema for too long, or nodes must
            stop before it can be made.
    """
    connection = opened(url)
    with _closed_if_refused(connection):
        db = made(connection)
        db.script(_SETTINGS)
        _refuse_forgetful(db)
        _refuse_pooler(db, url)
        brought_up(db, known)
        _refuse_moved(db)
    return db


def connect_read_only(url: str) -> PostgresConnection | None:
    """Connect to look; blocks. Whoever writes is in nobody's way. None: no gateway has made a store there.

    Raises:
        StoreRefused: newer, older, or somebody else's tables.
        StoreFailed: the server cannot be reached.
    """
    connection = opened(url)
    with _closed_if_refused(connection):
        db = PostgresConnection(connection)
        db.script(f"{_SETTINGS}; set default_transaction_read_only = on")
        has = version(db, MIGRATIONS).has
        if has >= MIGRATIONS.version:
            return db
        if has:
            raise StoreRefused(
                f"made by an older hermes-trio (version {has}, this one knows {MIGRATIONS.version});"
                " the next start of a daemon brings it up to date"
            )
    connection.close()
    return None


def _refuse_forgetful(db: PostgresConnection) -> None:
    for setting in ("fsync", "synchronous_commit"):
        (value,) = db.execute(f"select current_setting('{setting}')").fetchone()
        if value == "off":
            raise StoreRefused(f"this PostgreSQL has {setting} = off: it may lose what it said is kept")


_PID = "select pg_backend_pid()"


def _refuse_pooler(db: PostgresConnection, url: str) -> None:
    """A pooler of transactions gives one connection of the server to several of ours in turn: what is set,
    prepared, locked and listened to is then another's. Behind a pooler of sessions all is well.

    A pooler is suspected where the server's process is not the one that the connection was told of.
    """
    mine = db.execute(_PID).fetchone()
    if mine[0] == db.backend_pid:
        return
    with opened(url) as other, other.transaction():
        if other.execute(_PID).fetchone() == mine or db.execute(_PID).fetchone() != mine:
            raise StoreRefused(
                "a pooler of transactions stands before this PostgreSQL, and the store relies on sessions:"
                " name the server itself, or a pooler of sessions"
            )


def _refuse_moved(db: PostgresConnection) -> None:
    row = db.execute("select place from mark where place is not null").fetchone()
    why = refusal(row[0], "take [store] url out of the configuration") if row else None
    if why is not None:
        raise StoreRefused(f"{why}; left untouched")
