from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.crash.stage", "tests.crash.process")

from tests.crash.stage import open_stage  # noqa: E402 - after the line above, or failures say nothing


@pytest.fixture
async def stage(tmp_path):
    async with open_stage(tmp_path) as stage:
        yield stage
