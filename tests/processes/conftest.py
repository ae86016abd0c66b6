"""A machine whose processes are ended when a test ends; a World in which programs may be run."""

from __future__ import annotations

import pytest
import pytest_trio

from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.tools.process import tool as process
from hermes_trio.tools.terminal import tool as terminal
from hermes_trio.values.identity import Policy
from tests.processes.machine import a_machine


@pytest.fixture
async def machine(tmp_path):
    async with a_machine(tmp_path) as made:
        yield made


@pytest_trio.trio_fixture
async def world(request):
    """Both tools are enabled, ada is admin, anybody may speak."""
    marker = request.node.get_closest_marker("world")
    options = {
        "tools": [terminal, process],
        "platform": MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",))),
        **(marker.kwargs if marker else {}),
    }
    async with open_world(**options) as made:
        yield made
