"""What a gateway has of workspaces: the files of each conversation, and their end."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial

from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.runtime.supervise import attempt
from hermes_trio.runtime.threads import Aside
from hermes_trio.workspaces.call_files import TurnFiles
from hermes_trio.workspaces.folders import Workspaces

KEPT_S = 24 * 3600.0
"""So long files are kept behind the end of their conversation: it may be opened again."""


class ConversationFiles:
    """The files of all conversations.

    Args:
        workspaces: where they stand; None: conversations have no files.
        aside: does what would hold the loop.
    """

    def __init__(self, workspaces: Workspaces | None, aside: Aside) -> None:
        self._workspaces = workspaces
        self._aside = aside

    def of(self, session: int) -> TurnFiles:
        """Those of one conversation, for a tool call."""
        return TurnFiles(self._workspaces, self._aside, session)

    async def folder(self, session: int) -> str | None:
        """Make the folder of a conversation if there is none, and say where it is; None: it has no files.

        Raises:
            OSError: it could not be made.
        Cancelled: it may have been made.
        """
        if self._workspaces is None:
            return None
        path: str = await self._aside(partial(self._workspaces.made, session))
        return path

    async def tidy(self, store: Store, age_s: Callable[[float], float], log: Log) -> None:
        """Remove the folders of conversations that ended a day ago, unless a program of theirs still runs.

        Args:
            age_s: how old a time of the store is, in seconds.

        Raises:
            Exception: one of them cannot be removed; the others are.
        Cancelled: a removal goes on with the next one.
        """
        if self._workspaces is None or not os.path.isdir(self._workspaces.folder):  # noqa: ASYNC240 - one stat
            return
        failed = (await attempt(partial(self._aside, self._workspaces.clear)))[1]
        for session in await self._aside(self._workspaces.sessions):
            view = await store.session(session)
            if view is None or view.ended_at is None or age_s(view.ended_at) < KEPT_S:
                continue
            if not any(one.state == "running" for one in await store.processes(view.key)):
                remove = partial(self._workspaces.remove, session)
                error = (await attempt(partial(self._aside, remove)))[1]
                failed = failed or error
                if error is None:
                    log.info("workspace removed", session=session, key=str(view.key))
        if failed is not None:
            raise failed
