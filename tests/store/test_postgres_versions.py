"""Versions of a database's schema: made once by many at a time, worked on by two programs for one step."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing

import psycopg
import pytest

from hermes_trio.errors import StoreFailed, StoreRefused
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.store.postgres.migrations import MIGRATIONS, Migrations
from hermes_trio.store.postgres.schema import connect
from hermes_trio.store.postgres.store import open_postgres_store
from hermes_trio.store.postgres.versions import refuse_others
from tests.store.kit import KEY, RULES, a_message
from tests.store.shared import ACCOUNT, LEASE_S, SETUP
from tests.store.shared_postgres import a_schema

ADDS = "alter table session add column colour text;"
TAKES = "alter table session drop column colour;"
NEXT = len(MIGRATIONS.scripts) + 1
ADDING = Migrations((*MIGRATIONS.scripts, ADDS), MIGRATIONS.only_add | {NEXT})
TAKING = Migrations((*ADDING.scripts, TAKES), ADDING.only_add)


@pytest.fixture
def url(running):
    return a_schema(running)


def version_of(url):
    with psycopg.connect(url) as db:
        return db.execute("select version, needs from hermes_store").fetchone()


PROGRAM = """
import sys
from hermes_trio.store.postgres.migrations import MIGRATIONS, Migrations
from hermes_trio.store.postgres.schema import connect
print("there", flush=True)
sys.stdin.readline()
connect(sys.argv[1], known=Migrations((*MIGRATIONS.scripts, *sys.argv[2:]))).close()
"""


def test_of_many_programs_that_start_at_once_on_an_empty_database_one_makes_the_schema(url):
    run = [sys.executable, "-c", PROGRAM, url, ADDS, TAKES]
    programs = [
        subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for program in programs:
        assert program.stdout.readline() == b"there\n"
    for program in programs:
        program.stdin.write(b"\n")
        program.stdin.flush()
    said = [program.communicate()[1] for program in programs]
    assert [program.returncode for program in programs] == [0] * 4, said
    assert version_of(url) == (NEXT + 1, NEXT + 1)


async def test_where_a_newer_program_only_added_the_older_one_goes_on_beside_it_and_starts_again(url):
    async with open_postgres_store(url, SystemClock()) as older:
        await older.join(SETUP, "old", LEASE_S)
        connect(url, known=ADDING).close()
        assert version_of(url) == (NEXT, NEXT - 1)
        await older.hold_account(ACCOUNT)
        await older.accept(ACCOUNT, [a_message("hello")], None, RULES)
        assert await older.next_turn(KEY, 1) is not None
    connect(url).close()
    assert version_of(url) == (NEXT, NEXT - 1)


async def test_what_is_taken_away_waits_for_the_nodes_that_may_need_it_and_refuses_them_then(url):
    connect(url, known=ADDING).close()
    async with open_postgres_store(url, SystemClock()) as older:
        await older.join(SETUP, "old", LEASE_S)
        with pytest.raises(StoreFailed, match=r"old \(boot 1\) must stop first: version"):
            connect(url, known=TAKING)
        assert version_of(url) == (NEXT, NEXT - 1)
        await older.leave()
    connect(url, known=TAKING).close()
    with pytest.raises(StoreRefused, match="made by a newer hermes-trio"):
        connect(url)


def test_a_migration_that_fails_leaves_the_version_before(url):
    connect(url).close()
    with pytest.raises(StoreFailed, match="nowhere"):
        connect(url, known=Migrations((*MIGRATIONS.scripts, f"{ADDS} drop table nowhere;")))
    assert version_of(url) == (NEXT - 1, NEXT - 1)
    connect(url, known=ADDING).close()


def test_who_wants_one_version_alone_refuses_an_older_one_and_none(url):
    with closing(connect(url)) as db:
        with pytest.raises(StoreRefused, match="made by an older hermes-trio"):
            refuse_others(db, ADDING)
