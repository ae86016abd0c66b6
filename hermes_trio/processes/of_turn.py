"""The children of a conversation as one tool call has them: see the Children port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

import trio

from hermes_trio.processes.background import Background, Child
from hermes_trio.processes.watch import wrong_patterns
from hermes_trio.runtime.retry import written
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.process import ChildBorn, ChildLog, Ran
from hermes_trio.values.views import ChildView

T = TypeVar("T")
RUNNING_MAX = 20
ENDING_S = 2.5
INPUT_S = 5.0
NOT_ADMIN = "refused: only admins of this account may have programs run, and this was not asked by one"


class TurnChildren:
    """What a call may do with programs: for admins only, and with those of its own conversation.

    Args:
        admin: everybody whose message the turn answers is an admin of the account.
        consumed: takes the numbers of the children whose end the call has told.
        ours: what is waited for in it is not the turn's time.
    """

    def __init__(
        self,
        background: Background,
        turn: int,
        session: int,
        key: ConversationKey,
        address: Address,
        admin: bool,
        consumed: list[int],
        ours: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._background = background
        self._store = background.store
        self._turn = turn
        self._session = session
        self._key = key
        self._address = address
        self._admin = admin
        self._consumed = consumed
        self._ours = ours

    async def run(self, command: str, *, timeout_s: float) -> Ran:
        """See the port."""
        began = trio.current_time()
        child = await self._start(command, foreground=True)
        try:
            with trio.move_on_after(timeout_s):
                await child.ended.wait()
        finally:
            self._background.end([child.id])
        seconds = trio.current_time() - began
        return Ran(code=child.code, seconds=seconds, output=self._background.redact(child.text()))

    async def start(
        self, command: str, *, notify: bool = True, keep: bool = False, watch: Sequence[str] = ()
    ) -> ChildView:
        """See the port."""
        if (wrong := wrong_patterns(watch)) is not None:
            raise ValueError(f"watch_patterns: {wrong}")
        running = [child for child in await self.list() if child.state == "running"]
        if len(running) >= RUNNING_MAX:
            raise ValueError(f"{RUNNING_MAX} background processes run already; end one first")
        child = await self._start(command, notify=notify, keep=keep, watch=watch)
        return await self._view(child.id)

    async def _start(
        self,
        command: str,
        *,
        foreground: bool = False,
        notify: bool = False,
        keep: bool = False,
        watch: Sequence[str] = (),
    ) -> Child:
        self._check()
        if "\0" in command or not command.strip():
            raise ValueError("a command is a text that is not empty, without NUL")
        born = ChildBorn(
            turn=self._turn,
            key=self._key,
            address=self._address,
            command=self._background.redact(command),
            foreground=foreground,
            keep=keep,
            notify=notify,
        )
        return await self._background.start(born, command, self._session, watch)

    def _check(self) -> None:
        if not self._admin:
            raise PermissionError(NOT_ADMIN)

    async def list(self) -> Sequence[ChildView]:
        """See the port."""
        self._check()
        return await self._read(lambda: self._store.children(self._key))

    async def poll(self, child: int) -> ChildView:
        """See the port."""
        return self._told(await self._view(child))

    async def wait(self, child: int, timeout_s: float) -> ChildView:
        """See the port."""
        await self._view(child)
        live = self._background.live.get(child)
        if live is not None:
            with trio.move_on_after(timeout_s):
                await live.ended.wait()
        return await self.poll(child)

    async def log(self, child: int, since: int = 0) -> ChildLog:
        """See the port."""
        view = await self._view(child)
        live = self._background.live.get(child)
        if live is not None and view.state == "running":
            return ChildLog(view, self._background.redact(live.text(since)), live.position)
        self._told(view)
        output = await self._read(lambda: self._store.child_output(self._key, child))
        return ChildLog(view, output, None)

    async def write(self, child: int, text: str) -> None:
        """See the port."""
        view = await self._view(child)
        live = self._background.live.get(child)
        if live is None or view.state != "running":
            raise ValueError(f"background process {child} does not run")
        with trio.move_on_after(INPUT_S):
            await live.process.write(text.encode("utf-8", "replace"))
            return
        raise BrokenPipeError("it does not read its input; how much of this it will get is not known")

    async def kill(self, child: int) -> ChildView:
        """See the port."""
        await self._view(child)
        self._background.end([child])
        self._consumed.append(child)
        return await self.wait(child, ENDING_S)

    async def _view(self, child: int) -> ChildView:
        self._check()
        view = await self._read(lambda: self._store.child(self._key, child))
        if view is None:
            raise ValueError(f"this conversation has no background process {child}")
        return view

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        with self._ours():
            return await written(read)

    def _told(self, view: ChildView) -> ChildView:
        if view.state != "running":
            self._consumed.append(view.id)
        return view
