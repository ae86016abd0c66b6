"""What a piece of code leaves behind: tasks, open files and sockets, threads, processes."""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import trio

from hermes_trio.testing.conformance.clauses import Unlike

LEAVE_S = 5.0
_LOOK_S = 0.01


@asynccontextmanager
async def nothing_left(what: str) -> AsyncIterator[None]:
    """Raise Unlike when what was opened or begun in the body is still there after its end.

    The other side of a closed connection takes a moment to notice, so it is looked for some seconds.
    """
    before = _now()
    yield
    with trio.move_on_after(LEAVE_S):
        while more := _now().more_than(before):  # noqa: ASYNC110 - the machine tells nobody
            await trio.sleep(_LOOK_S)
        return
    raise Unlike(f"nothing is left after {what}", more)


class _Found:
    def __init__(self, tasks: dict[int, str], files: int, threads: set[str], programs: int) -> None:
        self.tasks, self.files, self.threads, self.programs = tasks, files, threads, programs

    def more_than(self, before: _Found) -> str:
        """What there is beside what was there before, in words."""
        names = [name for id, name in self.tasks.items() if id not in before.tasks]
        found = [f"the task {name}" for name in names]
        found += [f"the thread {name}" for name in sorted(self.threads - before.threads)]
        if (files := self.files - before.files) > 0:
            found.append(f"{files} open files or sockets")
        if (programs := self.programs - before.programs) > 0:
            found.append(f"{programs} processes")
        return ", ".join(found)


def _now() -> _Found:
    root = trio.lowlevel.current_root_task()
    tasks = {id(task): task.name for task in _below(root)} if root else {}
    threads = {
        f"{thread.name} {thread.ident}" for thread in threading.enumerate() if not _is_idle(thread.name)
    }
    return _Found(tasks, _count("/dev/fd"), threads, _programs())


def _below(task: trio.lowlevel.Task) -> Iterator[trio.lowlevel.Task]:
    yield task
    for nursery in task.child_nurseries:
        for child in nursery.child_tasks:
            yield from _below(child)


def _is_idle(name: str) -> bool:
    """Trio keeps its worker threads for a while after their work; they are named so."""
    return name.startswith("Trio thread")


def _count(folder: str) -> int:
    try:
        return len(os.listdir(folder))
    except OSError:
        return 0


def _programs() -> int:
    """Children of this process that have not been waited for (Linux)."""
    count = 0
    try:
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/children") as file:
                count += len(file.read().split())
    except OSError:
        return 0
    return count
