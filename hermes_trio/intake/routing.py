"""What is decided of an update before anything is written: is its sender allowed, which key, what kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from hermes_trio.intake.slash import is_command, names_another
from hermes_trio.text.chunking import units
from hermes_trio.text.sanitize import clean, cleaned
from hermes_trio.values.delivery import Capabilities
from hermes_trio.values.identity import Address, ConversationKey, Policy
from hermes_trio.values.message import Decided, Message, Source, Undecodable

Scope = Literal["user", "chat"]
ALBUM_WAIT_S = 0.8
FRAGMENT_WAIT_S = 0.6
FRAGMENT_UNITS = 96
NUL = b"\\u0000"
_read_message = msgspec.json.Decoder(Message).decode


def decide(
    update: Message | Undecodable,
    policy: Policy,
    scope: Scope,
    capabilities: Capabilities,
    home: Callable[[Address], Address] = lambda address: address,
) -> Decided:
    """Authorise, find the key, tell commands from messages. Deny by default.

    Args:
        home: gives the address that the chat's conversations began with.
    """
    if isinstance(update, Message):
        update = _sound(update) or Undecodable(
            native=clean(str(update.native)), why="not what a Message is", raw=update.raw
        )
    if isinstance(update, Message):
        update = _from_outside(update, policy)
    if isinstance(update, Undecodable):
        return Decided(update=update, kind="undecodable", outcome="failed", reason="decode")
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


def _sound(message: Message) -> Message | None:
    """The message as a store can keep it and give it back; None if a field has the wrong type.

    None also if its address had to be cleaned: "ada" with a NUL would become another person's id.
    """
    try:
        body = _encoded(msgspec.structs.replace(message, raw=b""))
        sound = msgspec.structs.replace(_read_message(body), raw=message.raw)
    except (TypeError, msgspec.MsgspecError):
        return None
    return sound if sound.address == message.address else None


def _encoded(message: Message) -> bytes:
    try:
        body = msgspec.json.encode(message)
    except UnicodeEncodeError:
        body = NUL
    return body if NUL not in body else msgspec.json.encode(cleaned(msgspec.to_builtins(message)))


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
