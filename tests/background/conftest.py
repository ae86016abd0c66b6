"""A machine whose processes are ended when a test ends."""

from __future__ import annotations

import pytest

from .machine import a_machine


@pytest.fixture
async def machine(tmp_path):
    async with a_machine(tmp_path) as made:
        yield made
