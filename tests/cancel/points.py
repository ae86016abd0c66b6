"""What there is, seen from outside."""

from __future__ import annotations

import trio


def tasks() -> list[str]:
    """The name of every task there is."""
    found, todo = [], [trio.lowlevel.current_root_task()]
    while todo:
        task = todo.pop()
        found.append(task.name)
        todo += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return sorted(found)
