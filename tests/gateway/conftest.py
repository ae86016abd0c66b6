"""A host whose database is closed behind it."""

import pytest

from tests.gateway.hosts import Host


@pytest.fixture
def host():
    """A database that outlives its gateways."""
    made = Host()
    yield made
    made.db.close()
