"""Tells of a start or a stop that takes too long which tasks are in the way, and at which lines."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

import trio

from hermes_trio.ports.system import Log
from hermes_trio.runtime.tracebacks import places_of_task

START_S = 15.0
"""A start that has not opened all accounts by then is told."""
BEFORE_END_S = 4.0
"""So long before the end of a stop is told what holds it: what is left then is killed."""
TOLD_MAX = 5


async def tell_late(
    log: Log, opened: Callable[[], Awaitable[None]], stopping: trio.Event, stop_s: float
) -> None:
    """Watch a start, then a stop. Lives beside what it watches, and is cancelled after it.

    Args:
        opened: returns when the gateway is open.
        stop_s: how long a stop may take, in seconds.
    """
    with trio.move_on_after(START_S) as start:
        await opened()
    if start.cancelled_caught:
        for task, places in _in_the_way():
            log.error("start late", for_s=START_S, task=task, traceback=places)
    await stopping.wait()
    within_s = max(stop_s - BEFORE_END_S, stop_s / 2)
    await trio.sleep(within_s)
    for task, places in _in_the_way():
        log.error("stop late", for_s=within_s, task=task, traceback=places)


def _in_the_way() -> list[tuple[str | None, str | None]]:
    """The tasks that wait in code of others, and where; no name where there is none."""
    found = [(task.name, places) for task in _tasks() if (places := places_of_task(task))]
    return [*found[:TOLD_MAX]] or [(None, None)]


def _tasks() -> Iterator[trio.lowlevel.Task]:
    root = trio.lowlevel.current_root_task()
    left = [root] if root is not None else []
    while left:
        task = left.pop()
        if task is not trio.lowlevel.current_task():
            yield task
        left += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
