"""Moved chats: their platform gave them another id, and their conversations keep the key they began with."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hermes_trio.values.delivery import Delivery
from hermes_trio.values.identity import Address


class Moves:
    """What is known of such chats. What a commit says of one is added here by the store's writer.

    The key of a conversation, its rows and its running turn keep the id of their chat that they began with.
    Only here is it said which one the platform knows now: for what is heard `home` gives the first, for what
    is said `of` names the newest. A chat may move on and on, and be told of it late, twice or in any order.
    """

    def __init__(self) -> None:
        self._next: dict[tuple[str, str], str] = {}
        self._before: dict[tuple[str, str], str] = {}

    def remember(self, moved: Sequence[tuple[str, str, str]]) -> None:
        """Take what the store holds: account, chat, and what that is now."""
        for account, chat, becomes in moved:
            self.add(account, chat, becomes)

    def add(self, account: str, chat: str, becomes: str) -> None:
        """This chat has another id from now on."""
        if self.is_news(account, chat, becomes):
            newest = self.ids(account, chat)[-1]
            self._next[account, newest] = becomes
            self._before.setdefault((account, becomes), newest)

    def is_news(self, account: str, chat: str, becomes: str) -> bool:
        """Whether a chat is said to be another one than is known. No chat becomes what it was."""
        return set(self.ids(account, chat)).isdisjoint(self._from(account, becomes))

    def ids(self, account: str, chat: str) -> list[str]:
        """All that a chat was and is called, from the first to the newest."""
        first = chat
        while (before := self._before.get((account, first))) is not None:
            first = before
        return self._from(account, first)

    def _from(self, account: str, chat: str) -> list[str]:
        found = [chat]
        while (after := self._next.get((account, found[-1]))) is not None:
            found.append(after)
        return found

    def home(self, address: Address) -> Address:
        """The address under the id that its conversation began with."""
        first = self.ids(address.account_id, address.chat)[0] if self._before else address.chat
        return address if first == address.chat else replace(address, chat=first)

    def of(self, delivery: Delivery) -> Delivery:
        """The delivery as its platform knows the chat now.

        A delivery to an earlier id of it answers a message of that time, whose id does not hold any more.
        """
        address = delivery.address
        newest = self._from(address.account_id, address.chat)[-1] if self._next else address.chat
        if newest == address.chat:
            return delivery
        return replace(delivery, address=replace(address, chat=newest), reply_to=None)
