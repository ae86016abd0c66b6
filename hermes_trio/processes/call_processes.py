"""The processes of a conversation as one tool call has them: see the CallProcesses port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import TypeVar

import trio

from hermes_trio.processes.background import Background, LiveProcess
from hermes_trio.processes.watched_lines import wrong_patterns
from hermes_trio.runtime.retry import until_stored
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.process import NewProcess, ProcessLog, Ran
from hermes_trio.values.views import ProcessView

T = TypeVar("T")
RUNNING_MAX = 20
ENDING_S = 2.5
INPUT_S = 5.0


class TurnProcesses:
    """The processes that a tool call may use: those of its own conversation, and only for admins.

    Args:
        consumed: the call adds the numbers of the processes whose end its result tells.
        ours: time that passes in this block does not count towards the turn's deadline.
        looks: raises PermissionError if the turn may not look at processes.
        acts: raises PermissionError if it may not have programs run, nor tell one something.
    """

    def __init__(
        self,
        background: Background,
        turn: int,
        session: int,
        key: ConversationKey,
        address: Address,
        consumed: list[int],
        ours: Callable[[], AbstractContextManager[None]],
        *,
        looks: Callable[[], None],
        acts: Callable[[], Awaitable[None]],
    ) -> None:
        self._background = background
        self._store = background.store
        self._turn = turn
        self._session = session
        self._key = key
        self._address = address
        self._consumed = consumed
        self._ours = ours
        self._looks = looks
        self._acts = acts

    async def run(self, command: str, *, timeout_s: float) -> Ran:
        """See the port."""
        began = trio.current_time()
        live = await self._start(command, foreground=True)
        try:
            with trio.move_on_after(timeout_s):
                await live.ended.wait()
        finally:
            self._background.end([live.id])
        seconds = trio.current_time() - began
        return Ran(code=live.code, seconds=seconds, output=self._background.redact(live.text()))

    async def start(
        self, command: str, *, notify: bool = True, keep: bool = False, watch: Sequence[str] = ()
    ) -> ProcessView:
        """See the port."""
        if (wrong := wrong_patterns(watch)) is not None:
            raise ValueError(f"watch_patterns: {wrong}")
        running = [one for one in await self.list() if one.state == "running"]
        if len(running) >= RUNNING_MAX:
            raise ValueError(f"{RUNNING_MAX} background processes run already; end one first")
        live = await self._start(command, notify=notify, keep=keep, watch=watch)
        return await self._view(live.id)

    async def _start(
        self,
        command: str,
        *,
        foreground: bool = False,
        notify: bool = False,
        keep: bool = False,
        watch: Sequence[str] = (),
    ) -> LiveProcess:
        await self._acts()
        if "\0" in command or not command.strip():
            raise ValueError("a command is a text that is not empty, without NUL")
        born = NewProcess(
            turn=self._turn,
            key=self._key,
            address=self._address,
            command=self._background.redact(command),
            foreground=foreground,
            keep=keep,
            notify=notify,
        )
        return await self._background.start(born, command, self._session, watch)

    async def list(self) -> Sequence[ProcessView]:
        """See the port."""
        self._looks()
        return await self._read(lambda: self._store.processes(self._key))

    async def poll(self, process: int) -> ProcessView:
        """See the port."""
        return self._told(await self._view(process))

    async def wait(self, process: int, timeout_s: float) -> ProcessView:
        """See the port."""
        await self._view(process)
        live = self._background.live.get(process)
        if live is not None:
            with trio.move_on_after(timeout_s):
                await live.ended.wait()
        return await self.poll(process)

    async def log(self, process: int, since: int = 0) -> ProcessLog:
        """See the port."""
        view = await self._view(process)
        live = self._background.live.get(process)
        if live is not None and view.state == "running":
            return ProcessLog(view, self._background.redact(live.text(since)), live.position)
        self._told(view)
        output = await self._read(lambda: self._store.process_output(self._key, process))
        return ProcessLog(view, output, None)

    async def write(self, process: int, text: str) -> None:
        """See the port."""
        await self._acts()
        view = await self._view(process)
        live = self._background.live.get(process)
        if live is None or view.state != "running":
            raise ValueError(f"background process {process} does not run")
        with trio.move_on_after(INPUT_S):
            await live.process.write(text.encode("utf-8", "replace"))
            return
        raise BrokenPipeError("it does not read its input; how much of this it will get is not known")

    async def kill(self, process: int) -> ProcessView:
        """See the port."""
        await self._view(process)
        self._background.end([process])
        self._consumed.append(process)
        return await self.wait(process, ENDING_S)

    async def _view(self, process: int) -> ProcessView:
        self._looks()
        view = await self._read(lambda: self._store.process(self._key, process))
        if view is None:
            raise ValueError(f"this conversation has no background process {process}")
        return view

    async def _read(self, read: Callable[[], Awaitable[T]]) -> T:
        with self._ours():
            return await until_stored(read)

    def _told(self, view: ProcessView) -> ProcessView:
        if view.state != "running":
            self._consumed.append(view.id)
        return view
