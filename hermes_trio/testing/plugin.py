"""The pytest plug-in: the fixture `world`. Loaded through the entry point `pytest11`; starts nothing.

pytest-trio takes its clock from the arguments of the test function alone, and `world` needs the mock
clock without every test naming it. So a test that uses `world` gets pytest-trio's own marker with a `run`
that puts the clock in; a test that names a clock fixture keeps its own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hermes_trio.testing.world import World


_worlds: dict[str, Any] = {}


def pytest_configure(config: Any) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "world(**options): arguments of `open_world` for the fixture `world`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that use `world` run under the mock clock."""
    for item in items:
        if "world" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.trio(run=_run), append=False)


def _run(main: Any, *args: Any, clock: Any = None, instruments: Any = ()) -> Any:
    import trio
    from trio.testing import MockClock

    __tracebackhide__ = True
    clock = clock or MockClock(autojump_threshold=0)
    try:
        return trio.run(main, *args, clock=clock, instruments=instruments)
    except BaseExceptionGroup as group:
        alone = _only_one(group)
        if isinstance(alone, BaseExceptionGroup):
            raise
    raise alone  # not within `except`: it has the context that it had


def _only_one(error: BaseException) -> BaseException:
    """What failed, where it is one thing. pytest shows it as it shows what fails without a nursery."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


try:
    import pytest_trio  # type: ignore[import-untyped]
except ImportError:
    pass
else:

    @pytest_trio.trio_fixture  # type: ignore[untyped-decorator]
    async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
        """A World with a running gateway, under the mock clock; `@pytest.mark.world(...)` sets it up."""
        from hermes_trio.testing.world import open_world

        marker = request.node.get_closest_marker("world")
        async with open_world(**(marker.kwargs if marker else {})) as made:
            _worlds[request.node.nodeid] = made
            yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """A failed test that had a world prints what failed in it, its timeline and its seed."""
    outcome = yield
    report = outcome.get_result()
    made = _worlds.pop(item.nodeid, None) if report.when == "call" else None
    if made is not None and report.failed:
        report.sections += [("raised in the world", text) for text in made.record.tracebacks()]
        report.sections.append((f"world, seed {made.seed}", made.timeline()))
