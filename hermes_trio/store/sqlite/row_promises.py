"""The part of the Store port that is about rows which stand in the way, on any writer of promises."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.store.promises import looked_through, quarantine, unreadable
from hermes_trio.store.sqlite.processes import Do
from hermes_trio.values.identity import ConversationKey, Lane
from hermes_trio.values.stored import Place


class RowPromises:
    """What becomes of rows that cannot be read, or that nobody can get past."""

    _do: Do
    _ask: Do

    async def clear_the_way(self) -> Sequence[str]:
        """See the port."""
        return await self._do(unreadable.clear_the_way)

    async def look_through(self, place: Place) -> tuple[bool, Place | None]:
        """See the port."""
        return await self._ask(looked_through.look_through, place)

    async def fail_next(self, key: ConversationKey, session: int) -> str | None:
        """See the port."""
        return await self._do(quarantine.fail_next, key, session)

    async def fail_command(self, key: ConversationKey) -> str | None:
        """See the port."""
        return await self._do(quarantine.fail_command, key)

    async def fail_part(self, lane: Lane, live: bool) -> str | None:
        """See the port."""
        return await self._do(quarantine.fail_part, lane, live)
