"""Rows that cannot be read, or that stand in the way of all behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hermes_trio.values.identity import ConversationKey, Lane
from hermes_trio.values.stored import Place


class RepairStore(Protocol):
    """What is ended so that the rest goes on."""

    async def probe(self) -> None:
        """Try whether the disk takes a write now: write as little as can be, and keep nothing."""

    async def clear_the_way(self) -> Sequence[str]:
        """Fail, or put right, each row that cannot be read and is still to be acted on. Its user is told one
        sentence, where that can be said. Returns what these rows were. Called before a boot begins.

        The store does the same when a promise meets such a row: `OutOfTheWay` follows, and the promise is
        run once more.
        """

    async def look_through(self, place: Place) -> tuple[bool, Place | None]:
        """Whether `clear_the_way` would find a row of this page; and where the next page begins, None after
        the last one. The cost of a page does not grow with the number of rows. Changes nothing."""

    async def fail_next(self, key: ConversationKey, session: int) -> str | None:
        """Fail what `next_turn` cannot get past in this session: its running turn, or a waiting message. Its
        user is told one sentence.

        Returns what it was; None: nothing is in the way.
        """

    async def fail_command(self, key: ConversationKey) -> str | None:
        """Fail the oldest unsettled command of the key, with one sentence to its user; returns which."""

    async def fail_part(self, lane: Lane, live: bool) -> str | None:
        """Fail the row that `begin_delivery` would take next; returns which."""
