"""What is to be said, and what waits until a key to a model may be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hermes_trio.values.identity import Lane
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.outbound_states import DeliveryFailure
from hermes_trio.values.stored import Begun, GaveUp, InDoubt


class DeliveryStore(Protocol):
    """Outbound rows, moved chats, and deferred messages."""

    async def begin_delivery(
        self,
        lane: Lane,
        *,
        takes_key: bool,
        live: bool,
        can_delete: bool,
        can_edit: bool,
        repeats: bool = True,
    ) -> Begun | InDoubt | GaveUp | None:
        """Take the lane's next row and record that its delivery begins.

        Args:
            takes_key: the platform drops a second send with the same key, so a repeat needs no mark.
            live: rows that only show that a turn works are taken too.
            can_delete: the platform can delete a message.
            can_edit: the platform can edit a message.
            repeats: a part that may have arrived may be sent again now; else it is returned as InDoubt.

        Returns:
            None: the lane has nothing to say.
        """

    async def record_delivery(self, row: int, message_id: str | None) -> bool:
        """Record that the delivery arrived. Returns whether its lane has more to say."""

    async def fail_delivery(
        self,
        row: int,
        how: DeliveryFailure,
        why: str,
    ) -> bool:
        """Record that the delivery did not arrive, or that nobody knows.

        The row is owed again (as it was, as plain text, or as a new message) or given up, as the table in
        `values/outbound_states.py` says. A sign of waiting that may not be a reaction becomes a "line". An
        edit that is "refused" is sent as a new message; but if an earlier try of it may have arrived, it is
        given up, and its chat is told that an answer may be missing.

        Returns:
            Whether the row was given up in that last way.
        """

    async def penalty(self, account: str, chat: str, until: float) -> None:
        """Keep that the platform told us to be silent in this chat until a wall time."""

    async def chat_moved(self, account: str, chat: str, becomes: str) -> None:
        """Record that a chat has another id. Its conversations keep their keys.

        Parts that are owed there, live rows and open questions are sent anew to the new id. No id of an older
        message is used: it belongs to the old chat. Done again, it changes nothing.
        """

    async def keep_cooldowns(self, put: Sequence[KeyCooldown], gone: Sequence[tuple[str, str]]) -> None:
        """Keep the cooldowns of keys to models, for the next boot.

        Args:
            put: cooldowns that are new or have changed.
            gone: (fingerprint, model) of cooldowns that are over. A key works again then: all deferred
                messages wait for a turn again, and their conversations are woken.
        """

    async def retry_deferred(self) -> float | None:
        """Let deferred messages whose time has come wait for a turn again, and wake their conversation. One
        call does this for one conversation.

        Returns the wall time at which to ask again; None: nothing is deferred.
        """
