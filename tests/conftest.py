"""What every test directory stands on: asserts of shared modules say what they compared."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.crash.stage", "tests.crash.process")
