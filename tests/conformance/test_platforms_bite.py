"""Each clause of the Platform port is broken by something, and names it."""

from __future__ import annotations

from functools import partial

import pytest

from hermes_trio.testing import Broken, check_platform
from hermes_trio.testing.conformance.platform import PLATFORM_CLAUSES
from tests.conformance import broken_platforms, broken_receiving, broken_sending
from tests.conformance.broken_platforms import LeavesASocket
from tests.conformance.memory_side import Line, memory_side

BROKEN = [*broken_platforms.breaks, *broken_receiving.breaks, *broken_sending.breaks]


@pytest.mark.parametrize(
    ("clause", "broken", "capabilities"),
    BROKEN,
    ids=[f"{clause}-{kind.__name__}" for clause, kind, _ in BROKEN],
)
async def test_a_broken_platform_is_named(autojump_clock, clause, broken, capabilities):
    service = partial(memory_side, **capabilities)
    with pytest.raises(Broken) as failed:
        await check_platform(broken, service, only=[clause])
    for left in LeavesASocket.left:
        left.close()
    assert failed.value.clauses == (clause,)
    assert f"platform.{clause}: " in str(failed.value)
    assert "wanted: " in str(failed.value)
    # The service is not what is wrong.
    assert (await check_platform(Line, service, only=[clause])).kept == (clause,)


def test_every_clause_is_broken_by_something():
    assert {clause for clause, _, _ in BROKEN} == {check.__name__ for check in PLATFORM_CLAUSES}
