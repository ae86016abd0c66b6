"""A store that is moved from a file into PostgreSQL and back is the same store: all goes on."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from socket import gethostname

import psycopg
import pytest

from hermes_trio import open_gateway
from hermes_trio.errors import StoreRefused
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.store.move.tables import tables
from hermes_trio.store.move.ways import into_database, into_file
from hermes_trio.store.postgres.schema import connect as connect_to
from hermes_trio.store.postgres.store import open_postgres_store
from hermes_trio.store.sqlite.schema import connect
from hermes_trio.testing import open_world
from hermes_trio.text import sentences
from tests.store import spoilt
from tests.store.half_done import SAID, HalfDone, a_platform, seen
from tests.store.shared import LEASE_S, SETUP
from tests.store.shared_postgres import a_schema

NODE = gethostname()
READ_OTHERWISE = {"boot": ("node", "ended_at", "buried_at"), "outbound": ("boot",)}
"""What the other kind of store is told of the last boot."""


@pytest.fixture
def url(running):
    return a_schema(running)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "hermes.db"


def quietly(_):
    """Progress that nobody reads."""


@contextmanager
def looked_at(path):
    with closing(sqlite3.connect(path)) as db:
        yield db


async def in_the_middle_of_everything(path):
    async with open_world(spoilt.agent) as world:
        await spoilt.busy(world)
        with looked_at(path) as db:
            connect(path).close()
            db.execute("drop table mark")
            world.db.backup(db)


def rows_of(path):
    with looked_at(path) as db:
        return {
            one.name: sorted(db.execute(f"select {compared(one)} from {one.name}").fetchall(), key=repr)
            for one in tables()
        } | {"ids": db.execute("select * from sqlite_sequence where seq > 0 order by 1").fetchall()}


def compared(table):
    left_out = READ_OTHERWISE.get(table.name, ())
    return ", ".join(column.name for column in table.columns if column.name not in left_out)


async def test_each_row_is_the_same_after_it_went_there_and_back(autojump_clock, url, path):
    await in_the_middle_of_everything(path)
    before = rows_of(path)
    there = into_database(path, url, NODE, quietly)
    assert not there.changed
    assert there.rows == {name: len(rows) for name, rows in before.items() if name != "ids"}
    back = path.with_name("back.db")
    assert into_file(url, back, NODE, quietly).rows == there.rows
    assert rows_of(back) == before


# --- what was under way


def killed_in_the_middle(store):
    """A process that is killed when its conversations have got so far."""
    run = [sys.executable, "-m", "tests.store.half_done", str(store)]
    with subprocess.Popen(run, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"there\n"
        process.send_signal(signal.SIGKILL)


def counted(store, user):
    """How often this user's conversation was interrupted."""
    db = psycopg.connect(store) if isinstance(store, str) else sqlite3.connect(store)
    with closing(db):
        return db.execute(f"select interrupted from session where key like '%{user}%'").fetchone()


async def test_what_was_under_way_in_a_file_goes_on_in_the_database_and_back_in_the_file(url, path):
    killed_in_the_middle(path)
    into_database(path, url, NODE, quietly)
    platform = a_platform()
    for user, text in SAID:
        platform.message(user, text)  # the next messages have other ids than those of the life before
    async with open_gateway(HalfDone(), platforms=[platform], store=url) as gateway:
        await seen(platform, "done since life 1", sentences.BACK)
        assert counted(url, "bob") == (1,)
        platform.push(platform.message("bob", "Bob"))
        await seen(platform, "you are Bob")
        await gateway.at_rest()
        assert [row.outcome for row in await gateway.ledger()] == ["answered"] * 5
        platform.push(platform.message("ada", "ask"))
        await seen(platform, "Who are you?")
    back = path.with_name("back.db")
    into_file(url, back, NODE, quietly)
    async with open_gateway(HalfDone(), platforms=[platform], store=back) as gateway:
        assert counted(back, "ada") == (1,)
        platform.push(platform.message("ada", "Ada"))
        await seen(platform, "you are Ada")
        await gateway.at_rest()
        assert [row.id for row in await gateway.ledger()] == [1, 2, 3, 4, 5, 6, 7]


# --- what is refused, and what a kill leaves


def a_file(path):
    """A store's file with a message in it."""
    with closing(connect(path)) as db:
        db.execute("insert into boot(started_at) values(1)")
        columns = "account, native, chat, kind, at, length"
        db.execute(f"insert into inbound({columns}) values('a', 'n', 'c', 'message', 1, 0)")


def count(url, table="inbound"):
    with psycopg.connect(url) as db:
        return db.execute(f"select count(*) from {table}").fetchone()[0]


def test_a_store_that_was_moved_is_opened_by_nobody_any_more(url, path):
    a_file(path)
    into_database(path, url, NODE, quietly)
    there = r"it was moved to PostgreSQL, postgres on .*: name that one as \[store\] url"
    with pytest.raises(StoreRefused, match=there):
        connect(path)
    into_file(url, path.with_name("back.db"), NODE, quietly)
    back = r"^PostgreSQL, postgres on .*: it was moved to .*back.db.*: take \[store\] url out"
    with pytest.raises(StoreRefused, match=back):
        connect_to(url)
    connect(path.with_name("back.db")).close()


def test_a_target_that_holds_something_is_refused_and_left(url, path):
    a_file(path)
    other = path.with_name("other.db")
    a_file(other)
    into_database(path, url, NODE, quietly)
    with pytest.raises(StoreRefused, match=r"is not empty, and what it holds is not what .*other.db holds"):
        into_database(other, url, NODE, quietly)
    with pytest.raises(StoreRefused, match=r"other.db: is not empty"):
        into_file(url, other, NODE, quietly)
    assert count(url) == 1
    connect(other).close()


def test_who_was_killed_between_the_two_commits_moves_again_and_all_is_there_already(url, path):
    a_file(path)
    into_database(path, url, NODE, quietly)
    with looked_at(path) as db, db:
        db.execute("update mark set place = null")
    with closing(connect(path)):
        pass
    again = into_database(path, url, NODE, quietly)
    assert again.before
    assert again.rows["inbound"] == 1
    with pytest.raises(StoreRefused, match="it was moved"):
        connect(path)


def test_a_database_of_another_version_is_not_moved(url, path):
    connect_to(url).close()
    with psycopg.connect(url) as db:
        db.execute("update hermes_store set version = version + 1")
    with pytest.raises(StoreRefused, match="made by a newer hermes-trio"):
        into_file(url, path, NODE, quietly)
    assert not path.exists()


async def test_a_database_in_use_is_not_moved_and_its_user_is_named(url, path):
    async with open_postgres_store(url, SystemClock(), node="ares") as store:
        await store.join(SETUP, "ares", LEASE_S)
        with pytest.raises(StoreRefused, match=r"ares \(boot 1\) uses this store: stop it first"):
            into_file(url, path, NODE, quietly)
    assert not path.exists()


MOVES = """
import sys
from pathlib import Path
from hermes_trio.store.move.ways import into_database, into_file

def say(line):
    if line.startswith("outbound"):
        print("there", flush=True)
        sys.stdin.read()

way, *sides = sys.argv[1:]
if way == "into_database":
    into_database(Path(sides[0]), sides[1], "here", say)
else:
    into_file(sides[0], Path(sides[1]), "here", say)
"""


def is_killed_in_the_middle(way, *sides):
    run = [sys.executable, "-c", MOVES, way, *map(str, sides)]
    with subprocess.Popen(run, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"there\n"
        process.send_signal(signal.SIGKILL)


async def test_a_kill_in_the_middle_leaves_the_source_whole_and_the_target_empty(autojump_clock, url, path):
    await in_the_middle_of_everything(path)
    before = rows_of(path)
    is_killed_in_the_middle("into_database", path, url)
    assert rows_of(path) == before
    assert [count(url, one.name) for one in tables()] == [0] * len(tables())
    into_database(path, url, NODE, quietly)
    back = path.with_name("back.db")
    is_killed_in_the_middle("into_file", url, back)
    with closing(connect(back)) as db:
        assert not any(db.execute(f"select 1 from {one.name}").fetchone() for one in tables())
    into_file(url, back, NODE, quietly)
    assert rows_of(back) == before


# --- what PostgreSQL cannot hold


def test_a_value_that_no_column_of_postgresql_holds_is_told_and_the_rest_is_as_it_was(url, path):
    a_file(path)
    with looked_at(path) as db, db:
        db.execute("update inbound set chat = 'a' || char(0) || 'b', due = 'soon', raw = 7, length = 'long'")
        db.execute("insert into cursor values('a', cast(x'ff' as text))")
    found = into_database(path, url, NODE, quietly)
    assert found.changed == {
        "inbound.chat": 1,
        "inbound.due": 1,
        "inbound.raw": 1,
        "inbound.length": 1,
        "cursor.value": 1,
    }
    with psycopg.connect(url) as db:
        held = db.execute("select account, chat, due, raw, length from inbound").fetchone()
        assert held == ("a", "a\ufffdb", None, None, 0)
        assert db.execute("select value from cursor").fetchone() == ("\ufffd",)
