"""The part of the Store port that is about children, on any writer of promises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from hermes_trio.store.promises import processes
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.process import ChildBorn, ChildEnd, ChildMark, LeftChildren
from hermes_trio.values.views import ChildView

T = TypeVar("T")


class Do(Protocol):
    """Runs a promise in a transaction of its own, once it is durable."""

    def __call__(self, promise: Callable[..., T], *args: Any) -> Awaitable[T]:
        """Run `promise(tx, *args)`."""


class ChildPromises:
    """See `ChildStore`."""

    _do: Do
    _ask: Do

    async def begin_child(self, born: ChildBorn) -> ChildMark:
        """See the port."""
        return await self._do(processes.begin_child, born)

    async def child_runs(self, child: int, pid: int, started: int) -> bool:
        """See the port."""
        return await self._do(processes.child_runs, child, pid, started)

    async def end_child(self, child: int, end: ChildEnd, code: int | None, output: str, told: str) -> None:
        """See the port."""
        await self._do(processes.end_child, child, end, code, output, told)

    async def match_child(self, child: int, told: str, *, per_child: int, per_session: int) -> bool:
        """See the port."""
        return await self._do(processes.match_child, child, told, per_child, per_session)

    async def children(self, key: ConversationKey) -> Sequence[ChildView]:
        """See the port."""
        return await self._ask(processes.children, key)

    async def child(self, key: ConversationKey, child: int) -> ChildView | None:
        """See the port."""
        return await self._ask(processes.child, key, child)

    async def child_output(self, key: ConversationKey, child: int) -> str:
        """See the port."""
        return await self._ask(processes.child_output, key, child)

    async def left_children(self) -> LeftChildren:
        """See the port."""
        return await self._ask(processes.left_children)
