"""What is decided of an update before anything is written: is its sender allowed, which key, what kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from hermes_trio.intake.slash import is_command, names_another
from hermes_trio.text.chunking import units
from hermes_trio.text.sanitize import clean
from hermes_trio.text.whole_words import whole_words
from hermes_trio.values.delivery import Capabilities
from hermes_trio.values.identity import Address, ConversationKey, Policy
from hermes_trio.values.message import Decided, Message, Source, Undecodable

Scope = Literal["user", "chat"]
ALBUM_WAIT_S = 0.8
FRAGMENT_WAIT_S = 0.6
FRAGMENT_UNITS = 96
REASON_MAX = 300
"""How many characters are kept of the reason why an update could not be decoded."""


def decide(
    update: Message | Undecodable,
    policy: Policy,
    scope: Scope,
    capabilities: Capabilities,
    home: Callable[[Address], Address] = lambda address: address,
) -> Decided:
    """Authorise, find the key, tell commands from messages. Deny by default.

    Args:
        update: as `soundness.looked_at` gives it.
        home: gives the address that the chat's conversations began with.
    """
    if isinstance(update, Undecodable):
        reason = whole_words(f"decode: {clean(str(update.why))}", REASON_MAX)
        return Decided(update=update, kind="undecodable", outcome="failed", reason=reason)
    update = _from_outside(update, policy)
    why = refuse(update, policy)
    key = key_of(home(update.address), update.private, scope)
    if why is not None:
        return Decided(update=update, key=key, outcome="dropped", reason=why)
    # A forwarded text is somebody else's: who forwards it gives no command.
    if update.choice is None and update.forwarded is None and is_command(update.text):
        return Decided(update=update, key=key, kind="command")
    if update.alone:
        return Decided(update=update, key=key, kind="alone")
    return Decided(update=update, key=key, wait_s=wait_s(update, capabilities))


def refuse(message: Message, policy: Policy) -> str | None:
    """The policy that drops this message, None if it is let in."""
    if message.bot:
        return "bots"
    if not allowed(message.address.user, policy):
        return "allow_users"
    if message.private or message.addressed or message.choice is not None:
        return None
    if names_another(message.text):
        return "another_bot"
    return "require_mention" if policy.require_mention else None


def _from_outside(message: Message, policy: Policy) -> Message:
    """The message, whatever its platform says of whose words it has."""
    source = source_of(message, policy)
    if message.source == source and not message.note:
        return message
    return msgspec.structs.replace(message, source=source, note=False)


def source_of(message: Message, policy: Policy) -> Source:
    """Whose words a message has: its writer's, as long as no others stand in it."""
    quoted = message.quoted
    if message.forwarded is not None or (
        quoted is not None and quoted.text and not quoted.ours and policy.role_of(quoted.user) != "admin"
    ):
        return "outside"
    return policy.role_of(message.address.user)


def allowed(user: str | None, policy: Policy) -> bool:
    """Whether this user may speak to the account."""
    if policy.allow_users == ("*",):
        return True
    return user is not None and (user in policy.allow_users or user in policy.admins)


def key_of(address: Address, private: bool, scope: Scope) -> ConversationKey:
    """The address reduced by the scope rule: a thread is one shared session; a group is per user or one."""
    shared = private or address.thread is not None or scope == "chat"
    user = None if shared else address.user
    return ConversationKey(address.platform, address.account, address.chat, address.thread, user)


def wait_s(message: Message, capabilities: Capabilities) -> float:
    """How long a message waits for its next fragment. 0 unless it may be a fragment."""
    if message.album is not None:
        return ALBUM_WAIT_S
    # Units per character lie between one and four, so most texts need no counting.
    if len(message.text) * 4 < capabilities.text_max - FRAGMENT_UNITS:
        return 0.0
    near = units(message.text, capabilities.unit) >= capabilities.text_max - FRAGMENT_UNITS
    return FRAGMENT_WAIT_S if near else 0.0
