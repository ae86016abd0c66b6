"""The part of the Store port that is about processes, on any writer of promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from hermes_trio.store.promises import processes
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.process import LeftProcesses, NewProcess, ProcessEnd, ProcessMark
from hermes_trio.values.views import ProcessView

T = TypeVar("T")


class Do(Protocol):
    """Runs a promise in a transaction of its own, once it is durable."""

    def __call__(self, promise: Callable[..., T], *args: Any) -> Awaitable[T]:
        """Run `promise(tx, *args)`."""


class ProcessPromises:
    """See `ProcessStore`."""

    _do: Do
    _ask: Do

    async def begin_process(self, born: NewProcess) -> ProcessMark:
        """See the port."""
        return await self._do(processes.begin_process, born)

    async def process_runs(self, process: int, pid: int, started: int) -> bool:
        """See the port."""
        return await self._do(processes.process_runs, process, pid, started)

    async def end_process(
        self, process: int, end: ProcessEnd, code: int | None, output: str, told: str
    ) -> None:
        """See the port."""
        await self._do(processes.end_process, process, end, code, output, told)

    async def match_process(self, process: int, told: str, *, per_process: int, per_session: int) -> bool:
        """See the port."""
        return await self._do(processes.match_process, process, told, per_process, per_session)

    async def processes(self, key: ConversationKey) -> Sequence[ProcessView]:
        """See the port."""
        return await self._ask(processes.processes, key)

    async def process(self, key: ConversationKey, process: int) -> ProcessView | None:
        """See the port."""
        return await self._ask(processes.process, key, process)

    async def process_output(self, key: ConversationKey, process: int) -> str:
        """See the port."""
        return await self._ask(processes.process_output, key, process)

    async def left_processes(self) -> LeftProcesses:
        """See the port."""
        return await self._ask(processes.left_processes)
