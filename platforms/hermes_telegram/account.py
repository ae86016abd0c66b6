"""The Platform: one bot on Telegram."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Never

import trio
from msgspec.structs import replace

from hermes_telegram.calls import misses_anchor, to_call, to_receipt
from hermes_telegram.entities import ENTITIES_MAX
from hermes_telegram.links import takes_link
from hermes_telegram.options import Options
from hermes_trio import Capabilities, Delivery, Intake, NotSent, Part, Probed, Receipt, split_markdown

if TYPE_CHECKING:
    from hermes_telegram.answer import Answer
    from hermes_telegram.api import BotApi

CAPABILITIES = Capabilities(
    text_max=4096,  # https://core.telegram.org/bots/api#sendmessage, counted after entities parsing
    unit="utf16",
    can_edit=True,
    can_delete=True,
    can_react=True,
    can_type=True,
    typing_every_s=4.0,  # a typing sign lasts 5 s
    live_every_s=1.5,  # "avoid sending more than one message per second" to a chat
)


class Telegram:
    """One bot on Telegram. The contract is that of `hermes_trio.ports.Platform`.

    Attributes:
        menu: (command, help) of each command for the client's menu, sent once per `serve`; set it before.
    """

    name = "telegram"
    capabilities = CAPABILITIES

    def __init__(self, options: Options, account: str) -> None:
        self.account = account
        self.policy = options.policy()
        self.menu: Sequence[tuple[str, str]] = ()
        self._options = options
        self._api: BotApi | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Telegram]:
        """Own the HTTP client."""
        from hermes_telegram.api import open_api  # imports httpx, which is slow, so only when needed

        async with open_api(self._options.api_url, self._options.token.reveal()) as api:
            self._api = api
            try:
                yield self
            finally:
                self._api = None

    async def serve(self, intake: Intake) -> Never:
        """Receive until cancelled. Raises AccountRefused, PollConflict, PlatformDown."""
        from hermes_telegram.serve import receive  # likewise

        await receive(
            self._opened(),
            intake,
            account=self.account,
            poll_timeout_s=self._options.poll_timeout_s,
            menu=self.menu,
        )

    async def probe(self) -> Probed:
        """Ask Telegram for the bot. Raises AccountRefused, PlatformDown. Cancelled: the call ends."""
        from hermes_telegram.probe import probe  # likewise

        return await probe(self._opened(), hears_groups=not self._options.require_mention)

    async def deliver(self, delivery: Delivery) -> Receipt:
        """Do one call, bounded; cancelled, Telegram may have it. Raises NotSent, SendRefused, SendUnknown.

        A reply to a message that is gone is a second call, of what replies to nothing.
        """
        await trio.lowlevel.checkpoint()  # what fails before its call is a checkpoint too
        answer = await self._call(delivery)
        if misses_anchor(delivery, answer):
            answer = await self._call(replace(delivery, reply_to=None))
        return to_receipt(delivery, answer)

    async def _call(self, delivery: Delivery) -> Answer:
        method, body = to_call(delivery, link_previews=self._options.link_previews)
        return await self._opened().call(method, body)

    def split(self, text: str) -> Sequence[Part]:
        """Render markdown into parts that Telegram takes, with four units to spare."""
        return split_markdown(
            text,
            limit=CAPABILITIES.text_max - 4,
            unit=CAPABILITIES.unit,
            takes_link=takes_link,
            spans_max=ENTITIES_MAX,
        )

    def _opened(self) -> BotApi:
        if self._api is None:
            raise NotSent("the account is not open")
        return self._api
