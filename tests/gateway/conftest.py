"""A host whose database is closed behind it; the nodes of a world."""

import pytest

from hermes_trio.testing.nodes import open_nodes
from tests.gateway.hosts import Host


@pytest.fixture
def host():
    """A database that outlives its gateways."""
    made = Host()
    yield made
    made.db.close()


@pytest.fixture
async def nodes(world):
    """Nodes on the store of the test's world."""
    async with open_nodes(world) as nodes:
        yield nodes
