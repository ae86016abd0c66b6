"""Telegram through the Bot API, by long polling.

options.py   the section [platforms.telegram]
account.py   the Platform: one bot
serve.py     receiving: the poll loop
probe.py     trying a bot without receiving
refusal.py   what a refusal means for the account
wire.py      update JSON -> Message
entities.py  people, and stretches of text in UTF-16 units, both ways
marks.py     links, code and quotes of what comes, written into its text
mentions.py  to whom a text speaks
context.py   what a message answers, quotes, and was forwarded from
anonymous.py in whose name a button is pressed
links.py     which addresses Telegram makes a link of
content.py   what a message without text holds
calls.py     Delivery -> Bot API call, and what its answer means
answer.py    the answer itself
menu.py      commands -> the client's menu
api.py       one HTTP call
broken_json.py broken characters in what comes
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from hermes_telegram.account import Telegram
from hermes_telegram.options import Options
from hermes_trio import Adapter, AdapterContext, ConfigWrong, Secret

__all__ = ["Options", "Telegram", "adapter", "telegram"]


def telegram(
    *,
    token_env: str = "TELEGRAM_BOT_TOKEN",  # noqa: S107 - it is a variable's name
    allow_users: Sequence[int | str] = (),
    admins: Sequence[int] = (),
    account: str = "main",
    **options: Any,
) -> Telegram:
    """A bot on Telegram, for `open_gateway(agent, platforms=[telegram(...)], ...)`; opens nothing.

    Args:
        token_env: the variable of the environment that holds what @BotFather gave.
        allow_users: numeric ids of those who may speak. None: nobody may. ["*"]: anybody.
        admins: numeric ids of those who may use admin commands; they may speak too.
        account: its name, where there are several.
        options: the others of `Options`: `require_mention`, `reply_to`, `api_url`, ...

    Raises:
        ConfigWrong: the variable is not set, or a value cannot be right. The text does not hold the token.
    """
    token = os.environ.get(token_env, "").strip()
    if not token:
        raise ConfigWrong(f"the environment has no {token_env}; @BotFather on Telegram gives a token")
    try:
        made = Options(token=Secret(token), allow_users=[*allow_users], admins=[*admins], **options)
    except (ValueError, TypeError) as error:
        raise ConfigWrong(f"telegram: {error}") from None
    return Telegram(made, account)


def build(options: Options, account: str, context: AdapterContext) -> Telegram:
    """Make the platform of one bot; opens nothing."""
    return Telegram(options, account)


adapter = Adapter(
    name="telegram", options=Options, build=build, alone=lambda options: {"token": options.bot()}
)
