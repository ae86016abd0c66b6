"""The section `[platforms.telegram]` of the config, checked."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from hermes_trio import Policy, Secret

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]+")
_FIND_ID = (
    "Ids are numbers and never change hands, names do. To find one: let that person write to the bot, then"
    " read it in `hermes-trio ledger`; or ask @userinfobot on Telegram"
)


class Options(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The section `[platforms.telegram]`.

    Args:
        token: what @BotFather gave, "env:NAME" or "file:PATH".
        api_url: another Bot API server than Telegram's own.
        allow_users: numeric user ids, and those of groups and channels (-100...) for what is said in their
            names: by anonymous admins, by a channel's posts. Empty: nobody. ["*"]: anybody.
        admins: numeric user ids that may use admin commands; they are allowed users too.
        require_mention: in groups listen only when mentioned, replied to, or commanded.
        reply_to: which parts of an answer reply visibly to the message they answer.
        link_previews: Telegram fetches what an answer links to, and shows it below.
        poll_timeout_s: how long Telegram holds a poll that has nothing to give, in seconds.

    Raises:
        ValueError: a value cannot be right. The text does not hold the token.
    """

    token: Secret
    api_url: str = "https://api.telegram.org"
    allow_users: list[int | str] = msgspec.field(default_factory=list)
    admins: list[int] = msgspec.field(default_factory=list)
    require_mention: bool = True
    reply_to: Literal["off", "first", "all"] = "first"
    link_previews: bool = False
    poll_timeout_s: int = 50

    def __post_init__(self) -> None:
        """Check what types cannot say."""
        if not _TOKEN.fullmatch(self.token.reveal()):
            raise ValueError("token: not a bot token; one looks like 123456789:AA..., digits first")
        url = urlsplit(self.api_url)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.username:
            raise ValueError(f"api_url: {self.api_url!r} is not an http(s) address of a Bot API server")
        if not 1 <= self.poll_timeout_s <= 600:
            raise ValueError(f"poll_timeout_s: {self.poll_timeout_s} is not within 1 and 600")
        for admin in self.admins:
            _user_id("admins", admin)
        if "*" in self.allow_users:
            if self.allow_users != ["*"]:
                raise ValueError("allow_users: '*' means anybody, so it must stand alone: [\"*\"]")
        else:
            for user in self.allow_users:
                _sender_id(user)

    def bot(self) -> str:
        """The bot's own id, which its token begins with. Two pollers of one bot cut each other off."""
        return self.token.reveal().partition(":")[0]

    def policy(self) -> Policy:
        """Who may speak to this account, in the gateway's terms."""
        return Policy(
            allow_users=("*",)
            if self.allow_users == ["*"]
            else tuple(_sender_id(user) for user in self.allow_users),
            admins=tuple(_user_id("admins", user) for user in self.admins),
            require_mention=self.require_mention,
            reply_to=self.reply_to,
        )


def _sender_id(sender: int | str) -> str:
    """An id that may speak: a person's, or a chat's in whose name somebody speaks."""
    text = str(sender)
    return (
        f"-{_user_id('allow_users', text[1:])}" if text.startswith("-") else _user_id("allow_users", sender)
    )


def _user_id(where: str, user: int | str) -> str:
    text = str(user)
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise ValueError(f"{where}: {user!r} is not a numeric user id. {_FIND_ID}")
    return str(int(text))
