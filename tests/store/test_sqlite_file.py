"""What a store does with the file it is given: ours, newer, corrupt, somebody else's."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from hermes_trio.errors import StoreFailed, StoreLocked, StoreRefused
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.store.sqlite import schema
from hermes_trio.store.sqlite.errors import of_a_start
from hermes_trio.store.sqlite.migrations import MIGRATIONS, WRITTEN
from hermes_trio.store.sqlite.schema import APPLICATION_ID, connect, connect_read_only
from hermes_trio.store.sqlite.store import open_sqlite_store
from tests.store.kit import a_store


def everything_in(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


async def test_what_was_committed_is_there_when_the_file_is_opened_again(tmp_path):
    async with a_store(tmp_path / "hermes.db") as kit:
        await kit.accept("hello")
    async with a_store(tmp_path / "hermes.db") as kit:
        assert [row.native for row in await kit.store.ledger()] == ["adahello"]


@pytest.mark.parametrize("name", ["a#b.db", "a?b.db", "a%20b.db", "a b.db", "ä.db"])
async def test_any_file_name_will_do(tmp_path, name):
    async with a_store(tmp_path / name) as kit:
        await kit.accept("hello")
    async with a_store(tmp_path / name) as kit:
        assert len(await kit.store.ledger()) == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]
    connect_read_only(tmp_path / name).close()


@pytest.mark.parametrize("done", ["removed", "replaced"])
async def test_nothing_is_promised_of_a_file_that_was_taken_away(tmp_path, done):
    path = tmp_path / "hermes.db"
    async with open_sqlite_store(path, SystemClock()) as store:
        await store.begin_boot()
        if done == "removed":
            path.unlink()
        else:
            connect(tmp_path / "backup.db").close()
            (tmp_path / "backup.db").replace(path)
        with pytest.raises(StoreFailed, match="removed or replaced"):
            await store.release()
        with pytest.raises(StoreFailed, match="removed or replaced"):
            await store.status()


async def test_a_probe_is_written_to_the_file_and_nothing_of_it_is_kept(tmp_path):
    path = tmp_path / "hermes.db"
    async with open_sqlite_store(path, SystemClock()) as store:
        await store.begin_boot()
        with closing(sqlite3.connect(path)) as beside:
            marks = beside.execute("select * from mark").fetchall()
            (version,) = beside.execute("pragma data_version").fetchone()
            await store.probe()
            assert beside.execute("pragma data_version").fetchone() != (version,)
            assert beside.execute("select * from mark").fetchall() == marks


def test_the_file_is_written_ahead_and_synced_in_full(tmp_path):
    db = connect(tmp_path / "hermes.db")
    assert db.execute("pragma journal_mode").fetchone() == ("wal",)
    assert db.execute("pragma synchronous").fetchone() == (2,)
    db.close()


def test_a_newer_file_is_refused_and_untouched(tmp_path):
    path = tmp_path / "hermes.db"
    connect(path).close()
    db = sqlite3.connect(path)
    db.execute("pragma user_version = 99")
    db.close()
    before = everything_in(tmp_path)
    with pytest.raises(StoreRefused, match="newer"):
        connect(path)
    with pytest.raises(StoreRefused, match="newer"):
        connect_read_only(path)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("where", [0, 20, 4096 + 10, 3 * 4096])
def test_a_corrupt_file_is_refused_and_untouched(tmp_path, where):
    path = tmp_path / "hermes.db"
    connect(path).close()
    whole = bytearray(path.read_bytes())
    whole[where : where + 4096] = b"\xa5" * 4096
    path.write_bytes(whole)
    before = everything_in(tmp_path)
    with pytest.raises(StoreRefused):
        connect(path)
    assert everything_in(tmp_path) == before


def test_a_file_that_was_cut_off_is_refused_and_untouched(tmp_path):
    path = tmp_path / "hermes.db"
    connect(path).close()
    path.write_bytes(path.read_bytes()[:5000])
    before = everything_in(tmp_path)
    with pytest.raises(StoreRefused):
        connect(path)
    assert everything_in(tmp_path) == before


@pytest.mark.parametrize("content", [b"not a database at all\n" * 50, b"x"])
def test_any_other_file_is_refused_and_untouched(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreRefused):
        connect(path)
    assert everything_in(tmp_path) == {"notes.txt": content}


def test_a_database_of_another_program_is_refused_and_untouched(tmp_path):
    path = tmp_path / "other.db"
    db = sqlite3.connect(path)
    db.execute("create table boot(id)")
    db.close()
    before = everything_in(tmp_path)
    with pytest.raises(StoreRefused, match="not a hermes-trio store"):
        connect(path)
    assert everything_in(tmp_path) == before


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "hermes.db").touch()
    db = connect(tmp_path / "hermes.db")
    assert db.execute("pragma application_id").fetchone() == (APPLICATION_ID,)
    assert db.execute("pragma user_version").fetchone() == (len(MIGRATIONS),)
    db.close()


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path):
    with pytest.raises(StoreRefused, match="no such store"):
        connect_read_only(tmp_path / "hermes.db")
    assert everything_in(tmp_path) == {}


@pytest.mark.parametrize("open_it", [connect, connect_read_only])
def test_what_cannot_be_read_is_refused_in_plain_words(tmp_path, open_it):
    (tmp_path / "hermes.db").mkdir()
    with pytest.raises(StoreRefused, match=r"hermes\.db: Is a directory"):
        open_it(tmp_path / "hermes.db")


def test_an_older_file_is_not_looked_at_with_what_it_does_not_hold(tmp_path, monkeypatch):
    connect(tmp_path / "hermes.db").close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, "create table more(id integer)"))
    with pytest.raises(StoreRefused, match=r"made by an older hermes-trio .* next start of the daemon"):
        connect_read_only(tmp_path / "hermes.db")


def test_looking_does_not_write(tmp_path):
    connect(tmp_path / "hermes.db").close()
    db = connect_read_only(tmp_path / "hermes.db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("delete from boot")
    db.close()


def test_an_older_file_is_migrated_step_by_step_and_keeps_its_rows(tmp_path, monkeypatch):
    path = tmp_path / "hermes.db"
    db = connect(path)
    db.execute("insert into cursor(account, value) values('memory/main', '7')")
    db.close()
    more = ("alter table cursor add column at real;", "update cursor set at = 5;")
    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, *more))
    db = connect(path)
    assert db.execute("select account, value, at from cursor").fetchall() == [("memory/main", "7", 5.0)]
    assert db.execute("pragma user_version").fetchone() == (len(MIGRATIONS) + 2,)
    db.close()


def test_a_migration_that_fails_leaves_the_file_at_its_version(tmp_path, monkeypatch):
    path = tmp_path / "hermes.db"
    connect(path).close()
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*MIGRATIONS, "create table made(id); insert into nowhere values(1);")
    )
    with pytest.raises(StoreRefused, match="nowhere"):
        connect(path)
    monkeypatch.undo()
    db = connect(path)
    assert db.execute("select name from sqlite_master where name = 'made'").fetchall() == []
    db.close()


@pytest.mark.parametrize(
    ("done", "said"),
    [
        ("drop table step", "no column step"),
        ("drop index turn_running", "no index turn_running"),
        ("alter table penalty rename column until to til", "no column penalty.until"),
        ("drop trigger entry_gone", "no trigger entry_gone"),
        ("create trigger eater after insert on inbound begin delete from inbound; end", "a trigger eater"),
        ("pragma user_version = 0", "not a hermes-trio store"),
        ("pragma user_version = -5", "not a hermes-trio store"),
    ],
)
def test_a_file_that_is_not_as_each_of_its_version_is_refused_and_untouched(tmp_path, done, said):
    path = tmp_path / "hermes.db"
    connect(path).close()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(done)
    db.close()
    before = everything_in(tmp_path)
    with pytest.raises(StoreRefused, match=f"{said}.*left untouched"):
        connect(path)
    with pytest.raises(StoreRefused, match=said):
        connect_read_only(path)
    assert everything_in(tmp_path) == before


def test_what_an_operator_adds_to_look_things_up_is_theirs(tmp_path):
    path = tmp_path / "hermes.db"
    connect(path).close()
    db = sqlite3.connect(path)
    db.execute("create index mine on inbound(length)")
    db.execute("create view today as select * from inbound")
    db.execute("analyze")
    db.close()
    connect(path).close()


def test_a_file_that_another_program_holds_and_a_full_disk_are_no_fault_of_the_file(tmp_path):
    db = sqlite3.connect(tmp_path / "hermes.db", isolation_level=None, timeout=0)
    db.execute("create table one(x)")
    db.execute("begin exclusive")
    other = sqlite3.connect(tmp_path / "hermes.db", isolation_level=None, timeout=0)
    with pytest.raises(StoreLocked, match=r"hermes\.db: database is locked"), of_a_start("hermes.db"):
        other.execute("select * from one")
    other.close()
    db.execute("commit")
    db.execute("pragma max_page_count = 2")
    with pytest.raises(StoreFailed, match=r"hermes\.db: .*full"), of_a_start("hermes.db"):
        db.execute("insert into one values(randomblob(20000))")
    with pytest.raises(StoreRefused, match="no such table: two; so"), of_a_start("hermes.db", "; so"):
        db.execute("select * from two")
    db.close()


def test_a_store_that_is_written_as_ours_is_not_compared_part_by_part():
    """A new migration changes what is written: `WRITTEN` is what this says of it."""
    with closing(connect(":memory:")) as db:
        assert schema._written(db) == WRITTEN


SPOILS = {
    "the counter": "update sqlite_sequence set seq = 9223372036854775806 where name = 'inbound'",
    "a message": "update inbound set id = 9223372036854775807",
    "a boot": "update boot set id = 9223372036854775807",
}


@pytest.mark.parametrize("spoilt", SPOILS)
async def test_a_store_whose_ids_are_used_up_is_refused_where_it_could_write_nothing_soon(tmp_path, spoilt):
    async with a_store(tmp_path / "hermes.db") as kit:
        await kit.accept("hello")
    with closing(sqlite3.connect(tmp_path / "hermes.db", isolation_level=None)) as db:
        db.execute("pragma journal_mode = delete")
        db.execute(SPOILS[spoilt])
    before = everything_in(tmp_path)
    table = "boot" if spoilt == "a boot" else "inbound"
    with pytest.raises(StoreRefused, match=f"ids of its table {table} are at 92.*left untouched"):
        connect(tmp_path / "hermes.db")
    assert everything_in(tmp_path) == before
