"""Every store of the tree keeps the contract of its port."""

from __future__ import annotations

import random
import shutil
from contextlib import asynccontextmanager

import pytest

from hermes_trio.store.sqlite.schema import connect
from hermes_trio.store.sqlite.store import open_sqlite_store
from hermes_trio.testing import Broken, CrashingStore, check_store
from hermes_trio.testing.conformance.store import STORE_CLAUSES
from tests.conformance import broken_lives, broken_stores
from tests.conformance.in_the_way import Store, opener

DURABLE = {"keeps_what_was_written"}


def skipped(report):
    return {one.clause for one in report.skipped}


async def test_sqlite_on_a_file(tmp_path):
    """Each on a copy of a new file: to make one costs as much as to hold it against a clause."""
    connect(tmp_path / "new.db").close()

    def make(name, clock):
        path = tmp_path / f"{name}.db"
        if not path.exists():
            shutil.copy(tmp_path / "new.db", path)
        return open_sqlite_store(path, clock)

    assert skipped(await check_store(make)) == set()


async def test_sqlite_in_memory():
    report = await check_store(lambda name, clock: open_sqlite_store(":memory:", clock), keeps=False)
    assert skipped(report) == DURABLE


@pytest.mark.parametrize("commit_s", [0.0, 0.02])
async def test_the_one_of_a_world(autojump_clock, commit_s):
    databases = {}

    @asynccontextmanager
    async def make(name, clock):
        if name not in databases:
            databases[name] = connect(":memory:")
        db = databases[name]
        async with CrashingStore(db, clock, random.Random(name), commit_s).serve() as store:
            yield store

    try:
        assert skipped(await check_store(make)) == set()
    finally:
        for db in databases.values():
            db.close()


BROKEN = [*broken_stores.breaks, *broken_lives.breaks]


@pytest.mark.parametrize(
    ("clause", "broken"), BROKEN, ids=[f"{clause}-{kind.__name__}" for clause, kind in BROKEN]
)
async def test_a_broken_store_is_named(autojump_clock, clause, broken):
    with pytest.raises(Broken) as failed:
        await check_store(opener(broken), only=[clause])
    assert failed.value.clauses == (clause,)
    assert f"store.{clause}: " in str(failed.value)


async def test_the_one_that_is_not_broken(autojump_clock):
    assert skipped(await check_store(opener(Store), keeps=False)) == DURABLE


def test_every_clause_is_broken_by_something():
    assert {clause for clause, _ in BROKEN} == {check.__name__ for check in STORE_CLAUSES}
