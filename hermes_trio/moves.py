"""Chats whose platform gave them another id: their conversations keep the key they began with."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from hermes_trio.values import Address, Delivery


class Moves:
    """What is known of such chats. What a commit says of one is added here by the store's writer.

    The key of a conversation, its rows and its running turn keep the first id of their chat. Only here is it
    said which one the platform knows now: for what is heard `home` gives the first, for what is said `of`
    names the newest.
    """

    def __init__(self) -> None:
        self._now: dict[tuple[str, str], str] = {}
        self._first: dict[tuple[str, str], str] = {}

    def remember(self, moved: Sequence[tuple[str, str, str]]) -> None:
        """Take what the store holds: account, chat, and what that is now."""
        for account, chat, becomes in moved:
            self.add(account, chat, becomes)

    def add(self, account: str, chat: str, becomes: str) -> None:
        """This chat has another id from now on."""
        first = self._first.get((account, chat), chat)
        if first == becomes:
            return
        self._now[account, first] = becomes
        self._first[account, becomes] = first

    def is_news(self, account: str, chat: str, becomes: str) -> bool:
        """Whether a chat is said to be another one than is known."""
        first = self._first.get((account, chat), chat)
        return becomes not in (first, chat) and self._now.get((account, first)) != becomes

    def home(self, address: Address) -> Address:
        """The address under the id that its conversation began with."""
        if not self._first:
            return address
        first = self._first.get((address.account_id, address.chat))
        return address if first is None else replace(address, chat=first)

    def of(self, delivery: Delivery) -> Delivery:
        """The delivery as its platform knows the chat now. Messages of before have no id that holds there."""
        if not self._now:
            return delivery
        address = delivery.address
        now = self._now.get((address.account_id, address.chat))
        if now is None:
            return delivery
        return replace(delivery, address=replace(address, chat=now), reply_to=None)
