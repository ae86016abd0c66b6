"""A database, opened and migrated. A newer one, or somebody else's, is refused and left as it is."""

from __future__ import annotations

from typing import Any

import psycopg

from hermes_trio.errors import StoreFailed, StoreRefused
from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.errors import said
from hermes_trio.store.postgres.migrations import MIGRATIONS

CONNECT_S = 5
LOCK = "hashtext('hermes-trio ' || current_schema())"
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
        raise StoreFailed(f"PostgreSQL cannot be reached: {said(error)}") from error


def connect(url: str, made: type[PostgresConnection] = PostgresConnection) -> PostgresConnection:
    """Connect for a writer of a store; blocks. Its schema is brought to this program's version.

    Args:
        url: "postgresql://...", as libpq takes it.
        made: makes the connection of what psycopg has opened.

    Raises:
        StoreRefused: newer, somebody else's tables, or a server that may forget what it has promised.
        StoreFailed: the server cannot be reached, or somebody else makes the schema for too long.
    """
    db = made(opened(url))
    try:
        db.script(_SETTINGS)
        _refuse_forgetful(db)
        if _version(db) < len(MIGRATIONS):
            _migrate(db)
    except psycopg.Error as error:
        db.close()
        raise StoreFailed(f"PostgreSQL: {said(error)}") from error
    except BaseException:
        db.close()
        raise
    return db


def _refuse_forgetful(db: PostgresConnection) -> None:
    for setting in ("fsync", "synchronous_commit"):
        (value,) = db.execute(f"select current_setting('{setting}')").fetchone()
        if value == "off":
            raise StoreRefused(f"this PostgreSQL has {setting} = off: it may lose what it said is kept")


def _version(db: PostgresConnection) -> int:
    """The schema's version; 0 for an empty one."""
    ours, others = db.execute(
        "select count(*) filter (where relname = 'hermes_store'), count(*) from pg_class"
        " where relnamespace = cast(current_schema() as regnamespace) and relkind = 'r'"
    ).fetchone()
    if not ours and others:
        raise StoreRefused("the schema has tables, and they are no hermes-trio store; left untouched")
    version: int = db.execute("select version from hermes_store").fetchone()[0] if ours else 0
    if version > len(MIGRATIONS):
        raise StoreRefused(
            f"made by a newer hermes-trio (version {version}, this one knows {len(MIGRATIONS)});"
            " left untouched"
        )
    return version


def _migrate(db: PostgresConnection) -> None:
    """Bring the schema up to date. Whoever comes meanwhile waits, and finds it done."""
    db.execute(f"select pg_advisory_lock({LOCK})")
    for number, script in enumerate(MIGRATIONS[_version(db) :], start=_version(db) + 1):
        keeps = (
            f"update hermes_store set version = {number}"
            if number > 1
            else "create table hermes_store(version bigint not null); insert into hermes_store values(1)"
        )
        db.script(f"begin; {script} {keeps}; commit")
    db.execute(f"select pg_advisory_unlock({LOCK})")
