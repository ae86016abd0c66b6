"""Trying a bot: whether its token is taken, and what keeps it from hearing what it is to hear."""

from __future__ import annotations

import msgspec

from hermes_telegram.answer import ANSWER_BYTES_MAX, Answer
from hermes_telegram.api import BotApi
from hermes_telegram.refusal import raise_refusal
from hermes_trio import ForeignJson, NotJson, NotSent, PlatformDown, Probed, SendUnknown

_WEBHOOK = (
    "another program receives this bot's messages through a webhook: stop it and call deleteWebhook, "
    "or use a bot of its own here"
)
_PRIVACY = (
    "require_mention is false, and Telegram hands the bot only what is for it in groups: "
    "@BotFather, /setprivacy, Disable; then add the bot to its groups again"
)


class _Bot(msgspec.Struct, frozen=True):
    """getMe (https://core.telegram.org/bots/api#getme)."""

    id: int
    username: str = ""
    can_read_all_group_messages: bool = False


class _Webhook(msgspec.Struct, frozen=True):
    """getWebhookInfo (https://core.telegram.org/bots/api#webhookinfo)."""

    url: str = ""


_read_bot: ForeignJson[_Bot] = ForeignJson(_Bot, most_bytes=ANSWER_BYTES_MAX)
_read_webhook: ForeignJson[_Webhook] = ForeignJson(_Webhook, most_bytes=ANSWER_BYTES_MAX)


async def probe(api: BotApi, *, hears_groups: bool) -> Probed:
    """Ask Telegram for the bot. Raises AccountRefused, PlatformDown. Cancelled: the call ends.

    Args:
        hears_groups: it is to hear all that is said in its groups.
    """
    asked = "getMe"
    try:
        bot = _read_bot((await _ask(api, asked)).result)
        asked = "getWebhookInfo"
        webhook = _read_webhook((await _ask(api, asked)).result)
    except NotJson as error:
        raise PlatformDown(f"{asked}: {error}") from None
    troubles = [_WEBHOOK] if webhook.url else []
    if hears_groups and not bot.can_read_all_group_messages:
        troubles.append(_PRIVACY)
    return Probed(f"@{bot.username}" if bot.username else f"bot {bot.id}", tuple(troubles))


async def _ask(api: BotApi, method: str) -> Answer:
    try:
        answer = await api.call(method, b"{}")
    except (NotSent, SendUnknown) as error:
        raise PlatformDown(str(error)) from None
    if not answer.ok:
        raise_refusal(answer, f"{method}: {answer.error_code} {answer.description}")
    return answer
