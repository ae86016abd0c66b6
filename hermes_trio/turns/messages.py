"""The messages that a turn answers, and how its answer is addressed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hermes_trio.ports.platform import Platform
from hermes_trio.values.delivery import DeliveryKind, Part
from hermes_trio.values.message import Message
from hermes_trio.values.stored import Claimed, Opened, Reply


class TurnMessages:
    """The messages of a turn. It knows nothing of who runs the turn, so both are gone when the turn is.

    Attributes:
        id, attempt, opened_at: the turn's.
        all: those it answers, in order of arrival; grows when messages are steered in.
        unseen: see `Turn`.
        address: where its answer goes.
        platform: of that address; None if this boot does not serve it.
    """

    __slots__ = ("_steered", "address", "all", "attempt", "id", "opened_at", "platform", "unseen")

    def __init__(self, opened: Opened, platform: Callable[[str], Platform | None]) -> None:
        first = [one for one in opened.messages if one.step is None]
        self.id = opened.turn
        self.attempt = opened.attempt
        self.opened_at = opened.opened_at
        self.all: tuple[Message, ...] = tuple(one.message for one in first)
        self.unseen: tuple[Message, ...] = tuple(one.message for one in first if not one.in_history)
        self.address = self.all[-1].address
        self.platform = platform(self.address.account_id)
        self._steered: list[Claimed] = []

    def take_in(self, claimed: Sequence[Claimed]) -> None:
        """These were steered in."""
        self._steered.extend(claimed)
        self.all += tuple(one.message for one in claimed)

    def steered(self) -> Sequence[Claimed]:
        """See `Turn.steered`."""
        taken, self._steered = self._steered, []
        return taken

    def framed(self, parts: Sequence[Part], said: DeliveryKind) -> Reply:
        """Parts as a reply that answers the turn's first message as the account's policy says."""
        first, message, platform = self.all[0], self.all[-1], self.platform
        rule = "first" if platform is None else platform.policy.reply_to
        # A message id is valid only in the chat that gave it, and the chat may have got another id since.
        anchor = first.message_id if rule != "off" and first.address.chat == self.address.chat else None
        return Reply(
            address=self.address,
            parts=tuple(parts) or (Part(""),),
            said=said,
            anchor=anchor or None,
            anchor_when="always" if self.attempt > 1 or not message.private or rule == "all" else "waiting",
            anchor_all=rule == "all",
        )
