"""What every test directory stands on: asserts of shared modules say what they compared."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(*[f"tests.crash.{name}" for name in ("stage", "process", "checks", "logs")])
