"""What a refusal of Telegram's means for the account. Pure."""

from __future__ import annotations

from typing import Never

from hermes_telegram.answer import Answer
from hermes_trio import AccountRefused, PlatformDown, PollConflict


def raise_refusal(answer: Answer, why: str) -> Never:
    """Raise what an answer that is not ok means.

    Raises:
        AccountRefused: the token is refused, or a webhook holds the bot's updates.
        PollConflict: another poller has the bot.
        PlatformDown: anything else.
    """
    if answer.error_code in (401, 404):
        raise AccountRefused(f"{why}: the token is not (or no longer) that of a bot")
    if answer.error_code == 409 and "webhook" in answer.description.lower():
        raise AccountRefused(
            f"{why}. Another program receives this bot's messages through a webhook: "
            "stop it and call deleteWebhook, or use a bot of its own here"
        )
    if answer.error_code == 409:
        raise PollConflict(why)
    raise PlatformDown(why)
