from __future__ import annotations

import pytest

from tests.crash.stage import open_stage


@pytest.fixture
async def stage(tmp_path):
    async with open_stage(tmp_path) as stage:
        yield stage
