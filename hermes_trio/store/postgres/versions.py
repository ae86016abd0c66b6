"""Which version a database's schema has, who may work on it, and how it is brought up to date.

A version that only adds lets nodes of the one before go on beside it. One that takes something away waits
until none of them lives, and they are refused from then on.
"""

from __future__ import annotations

from msgspec import Struct

from hermes_trio.errors import StoreFailed, StoreRefused
from hermes_trio.store.postgres.connection import PostgresConnection
from hermes_trio.store.postgres.migrations import Migrations
from hermes_trio.store.promises.alive import ALIVE

LOCK = "hashtext('hermes-trio ' || current_schema())"
_TABLES = (
    "select count(*) filter (where relname = 'hermes_store'), count(*) from pg_class"
    " where relnamespace = cast(current_schema() as regnamespace) and relkind = 'r'"
)
_LIVING = (
    f"select node, id from boot where {ALIVE} and until > extract(epoch from clock_timestamp()) order by id"
)
_FIRST = "create table hermes_store(version bigint not null, needs bigint not null); insert into hermes_store"


class Version(Struct, frozen=True):
    """Of a schema.

    Args:
        has: how many migrations have made it; 0: it is empty.
        needs: how many of them a program must know to work on it.
    """

    has: int
    needs: int


def brought_up(db: PostgresConnection, known: Migrations) -> None:
    """Bring the schema to what this program knows. Whoever comes meanwhile waits, and finds it done.

    Raises:
        StoreRefused: newer, or somebody else's tables. It was left untouched.
        StoreFailed: nodes of the version before run, and must not.
    """
    if version(db, known).has >= known.version:
        return
    db.execute(f"select pg_advisory_lock({LOCK})")
    for number in range(version(db, known).has + 1, known.version + 1):
        _migrate(db, known, number)
    db.execute(f"select pg_advisory_unlock({LOCK})")


def version(db: PostgresConnection, known: Migrations) -> Version:
    """The schema's version.

    Raises:
        StoreRefused: one that this program cannot work on, or somebody else's tables.
    """
    ours, others = db.execute(_TABLES).fetchone()
    if not ours and others:
        raise StoreRefused("the schema has tables, and they are no hermes-trio store; left untouched")
    if not ours:
        return Version(0, 0)
    found = Version(*db.execute("select version, needs from hermes_store").fetchone())
    if found.needs > known.version:
        raise StoreRefused(
            f"made by a newer hermes-trio (version {found.has}, this one knows {known.version});"
            " left untouched"
        )
    return found


def refuse_others(db: PostgresConnection, known: Migrations) -> None:
    """Refuse a schema of any version but this program's.

    Raises:
        StoreRefused: as it says.
    """
    found = version(db, known).has
    if not found:
        raise StoreRefused("there is no hermes-trio store in this database")
    if found != known.version:
        age = "an older" if found < known.version else "a newer"
        raise StoreRefused(f"made by {age} hermes-trio (version {found}, this one knows {known.version})")


def living_nodes(db: PostgresConnection) -> str:
    """The nodes whose lease has not ended, for a person; empty: there is none."""
    found = db.execute(_LIVING)
    return ", ".join(f"{node or 'a node without a name'} (boot {boot})" for node, boot in found)


def _migrate(db: PostgresConnection, known: Migrations, number: int) -> None:
    db.script("begin; set local statement_timeout = 0")
    if number > 1 and number not in known.only_add:
        db.script("lock table boot in share row exclusive mode")
        if nodes := living_nodes(db):
            db.script("rollback")
            raise StoreFailed(
                f"{nodes} must stop first: version {number} of the store takes away what older nodes need"
            )
    needs = known.needed(number)
    kept = (
        f"update hermes_store set version = {number}, needs = {needs}"
        if number > 1
        else f"{_FIRST} values({number}, {needs})"
    )
    db.script(f"{known.scripts[number - 1]} {kept}; commit")
