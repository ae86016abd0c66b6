"""The files of a conversation that has ended are removed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.runtime.threads import Aside
from hermes_trio.workspaces.folders import Workspaces

KEPT_S = 24 * 3600.0
"""So long they are kept behind its end: it may be opened again."""


async def tidy(
    workspaces: Workspaces | None, aside: Aside, store: Store, age_s: Callable[[float], float], log: Log
) -> None:
    """Remove the folders of conversations that ended a day ago, unless a program of theirs still runs.

    Args:
        age_s: how old a time of the store is, in seconds.

    Cancelled: a removal goes on with the next one.
    """
    if workspaces is None:
        return
    await aside(workspaces.clear)
    for session in await aside(workspaces.sessions):
        view = await store.session(session)
        if view is None or view.ended_at is None or age_s(view.ended_at) < KEPT_S:
            continue
        if not any(one.state == "running" for one in await store.processes(view.key)):
            await aside(partial(workspaces.remove, session))
            log.info("workspace removed", session=session, key=str(view.key))
