"""What the tests of a store run on."""

from functools import partial

import pytest

from tests.store import shared
from tests.store.shared_postgres import a_shared_database


@pytest.fixture(params=["sqlite", "postgres"])
def a_shared_store(request):
    """Opens a store that several boots share, on each engine."""
    if request.param == "sqlite":
        return shared.a_shared_store
    return partial(a_shared_database, request.getfixturevalue("running"))
