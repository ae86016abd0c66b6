"""Who and where: conversations, addresses, secrets."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Secret:
    """A secret value that no print, log or error shows. `reveal()` gives the text.

    Args:
        value: the text.
        file: the absolute path of the file it was read from, "" for none.
    """

    __slots__ = ("_value", "file")

    def __init__(self, value: str, file: str = "") -> None:
        self._value = value
        self.file = file

    def reveal(self) -> str:
        """The secret itself; pass it on to the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


class ConversationKey(Struct, frozen=True, array_like=True):
    """An address reduced by the scope rule: whose conversation this is. Printed, never parsed back.

    Args:
        platform, account, chat, thread: as in `Address`.
        user: where each user of a group has a conversation of their own; else None.
    """

    platform: str
    account: str
    chat: str
    thread: str | None = None
    user: str | None = None

    def __str__(self) -> str:
        parts = [self.platform, self.account, self.chat]
        if self.thread is not None:
            parts.append(self.thread)
        if self.user is not None:
            parts.append(f"@{self.user}")
        return "/".join(parts)

    @property
    def account_id(self) -> str:
        """`platform/account`: names one configured bot."""
        return f"{self.platform}/{self.account}"


class Lane(Struct, frozen=True, array_like=True):
    """A chat and thread: what is said there is said in one order.

    Args:
        platform, account, chat, thread: as in `Address`.
    """

    platform: str
    account: str
    chat: str
    thread: str | None = None

    def __str__(self) -> str:
        parts = [self.platform, self.account, self.chat]
        return "/".join(parts if self.thread is None else [*parts, self.thread])

    @property
    def account_id(self) -> str:
        """`platform/account`: names one configured bot."""
        return f"{self.platform}/{self.account}"


class Address(Struct, frozen=True, array_like=True):
    """Where a message came from and where its answer goes.

    Args:
        platform, account: the configured bot, "telegram" and "main".
        chat: the chat's id there, as text.
        thread: the topic in it; None: the chat itself.
        user: who wrote, by an id that never changes hands.
    """

    platform: str
    account: str
    chat: str
    thread: str | None = None
    user: str | None = None

    @property
    def lane(self) -> Lane:
        """The chat and thread an answer to this address is said in."""
        return Lane(self.platform, self.account, self.chat, self.thread)

    @property
    def account_id(self) -> str:
        """`platform/account`: names one configured bot."""
        return f"{self.platform}/{self.account}"


Role = Literal["user", "admin"]
"""What a person may do by way of an account: the lesser first."""


class Policy(Struct, frozen=True, kw_only=True):
    """Who may speak to an account, and when it listens. Deny by default.

    Args:
        allow_users: stable user ids. Empty: nobody. ("*",): anybody, spelled out.
        admins: stable user ids that may use admin commands. They are allowed users too.
        require_mention: in groups listen only when mentioned, replied to, or commanded.
        reply_to: which parts of an answer reply visibly to the message they answer.
    """

    allow_users: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    require_mention: bool = True
    reply_to: Literal["off", "first", "all"] = "first"

    def role_of(self, user: str | None) -> Role:
        """The role of a person; nobody is a user."""
        return "admin" if user is not None and user in self.admins else "user"
