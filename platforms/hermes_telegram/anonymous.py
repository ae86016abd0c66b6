"""In whose name a button is pressed: an anonymous admin speaks as the group, but presses under the own id.

Telegram says only when asked whether somebody is one. A question that was put to the group would be open to
nobody else.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TypeVar

import msgspec
import trio

from hermes_telegram.answer import ANSWER_BYTES_MAX
from hermes_telegram.api import BotApi
from hermes_telegram.calls import encode
from hermes_trio import ForeignJson, Message, NotJson, NotSent, SendUnknown

T = TypeVar("T")
ASK_S = 5.0
"""So long a batch waits for Telegram; what is not known by then is pressed in the presser's own name."""

KNOWN_S = 300.0
KNOWN_MAX = 256
log = logging.getLogger("hermes_trio.telegram")


class _Member(msgspec.Struct):
    """https://core.telegram.org/bots/api#chatmember, of any kind."""

    is_anonymous: bool = False


_member: ForeignJson[_Member] = ForeignJson(_Member, most_bytes=ANSWER_BYTES_MAX)


class Pressers:
    """Who of those that press is anonymous where; each is asked for once in five minutes."""

    def __init__(self, api: BotApi) -> None:
        self._api = api
        self._known: dict[tuple[str, str], tuple[float, bool]] = {}

    async def named(self, updates: Sequence[T]) -> Sequence[T]:
        """The updates, each press of an anonymous admin in the group's name. Cancelled, nothing is lost."""
        if not any(_in_a_group(update) for update in updates):
            return updates
        named = list(updates)
        with trio.move_on_after(ASK_S) as asking:
            for at, update in enumerate(updates):
                if isinstance(update, Message) and _in_a_group(update):
                    address = update.address
                    if await self._is_anonymous(address.chat, str(address.user)):
                        address = msgspec.structs.replace(address, user=address.chat)
                        named[at] = msgspec.structs.replace(update, address=address)
        if asking.cancelled_caught:
            log.info("presses keep their names why=Telegram does not say whose they are")
        return named

    async def _is_anonymous(self, chat: str, user: str) -> bool:
        at, anonymous = self._known.get((chat, user), (-KNOWN_S, False))
        if trio.current_time() - at < KNOWN_S:
            return anonymous
        anonymous = await self._asked(chat, user)
        self._known.pop((chat, user), None)
        if len(self._known) == KNOWN_MAX:
            del self._known[next(iter(self._known))]
        self._known[chat, user] = trio.current_time(), anonymous
        return anonymous

    async def _asked(self, chat: str, user: str) -> bool:
        try:
            answer = await self._api.call(
                "getChatMember", encode({"chat_id": int(chat), "user_id": int(user)})
            )
            return answer.ok and _member(answer.result).is_anonymous
        except (NotSent, SendUnknown, NotJson):
            return False


def _in_a_group(update: object) -> bool:
    return isinstance(update, Message) and update.choice is not None and not update.private
