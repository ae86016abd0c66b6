"""What a message refers to: the message it answers, the part that was quoted, the origin of a forward. Pure.

It is read apart from the message: a reply that cannot be read is left out, and the message is kept.
"""

from __future__ import annotations

import msgspec

from hermes_telegram.content import NotForUs, Unsupported, media_line
from hermes_telegram.entities import Entity, User
from hermes_telegram.marks import written
from hermes_trio import ForeignJson, NotJson, Quoted

MESSAGE_BYTES_MAX = 1024 * 1024
NOTHING = msgspec.Raw(b"")
QUOTED_MAX = 4096
"""So many characters of what a message refers to are taken along."""


class Place(msgspec.Struct, frozen=True):
    """A chat as it is named where something comes from it."""

    id: int = 0
    title: str = ""
    first_name: str = ""


class Origin(msgspec.Struct, frozen=True):
    """Where a message was first said (https://core.telegram.org/bots/api#messageorigin), of whatever type."""

    sender_user: User | None = None
    sender_user_name: str = ""
    sender_chat: Place | None = None
    chat: Place | None = None

    def shown(self) -> str:
        """Its name, "" where Telegram does not say it."""
        if self.sender_user is not None:
            return self.sender_user.shown()
        place = self.chat or self.sender_chat
        return _clean(self.sender_user_name or ("" if place is None else place.title or place.first_name))


class _Replied(msgspec.Struct, rename={"from_": "from"}):
    from_: User | None = None
    sender_chat: Place | None = None
    text: str = ""
    caption: str = ""
    entities: list[Entity] = []
    caption_entities: list[Entity] = []
    forward_origin: msgspec.Raw = NOTHING
    via_bot: msgspec.Raw = NOTHING


class _Quote(msgspec.Struct):
    text: str = ""


class _External(msgspec.Struct):
    origin: Origin = Origin()


class _Referring(msgspec.Struct):
    quote: msgspec.Raw = NOTHING
    reply_to_message: msgspec.Raw = NOTHING
    external_reply: msgspec.Raw = NOTHING


_origin: ForeignJson[Origin] = ForeignJson(Origin, most_bytes=MESSAGE_BYTES_MAX)
_referring: ForeignJson[_Referring] = ForeignJson(_Referring, most_bytes=MESSAGE_BYTES_MAX)
_replied: ForeignJson[_Replied] = ForeignJson(_Replied, most_bytes=MESSAGE_BYTES_MAX)
_external: ForeignJson[_External] = ForeignJson(_External, most_bytes=MESSAGE_BYTES_MAX)
_bot: ForeignJson[User] = ForeignJson(User, most_bytes=MESSAGE_BYTES_MAX)
_quote: ForeignJson[_Quote] = ForeignJson(_Quote, most_bytes=MESSAGE_BYTES_MAX)
_fields: ForeignJson[dict[str, msgspec.Raw]] = ForeignJson(
    dict[str, msgspec.Raw], most_bytes=MESSAGE_BYTES_MAX
)


def there(raw: msgspec.Raw) -> bool:
    """Whether a field has a value."""
    return bytes(raw) not in (b"", b"null")


def forwarded_from(origin: msgspec.Raw, via_bot: msgspec.Raw = NOTHING) -> str | None:
    """Whose words a message passes on; "" where nobody says; None: they are the sender's own.

    Args:
        origin: where it was forwarded from.
        via_bot: the bot that made it for its sender, who chose it from what that bot offered.
    """
    try:
        if there(origin):
            return _origin(origin).shown()
        return _bot(via_bot).shown() if there(via_bot) else None
    except NotJson:
        return ""


def quoted(raw: msgspec.Raw, bot_id: int) -> Quoted | None:
    """What a message answers, and the stretch its writer chose of it. None: it answers nothing.

    Args:
        bot_id: whose messages are ours.
    """
    try:
        refers = _referring(raw)
    except NotJson:
        return None
    made = Quoted()
    if there(refers.reply_to_message):
        made = _said(refers.reply_to_message, bot_id)
    elif there(refers.external_reply):
        made = _elsewhere(refers.external_reply)
    if chosen := _chosen(refers.quote):
        made = msgspec.structs.replace(made, text=chosen, chosen=True)
    return made if made != Quoted() else None


def _chosen(raw: msgspec.Raw) -> str:
    try:
        return _clean(_quote(raw).text)[:QUOTED_MAX] if there(raw) else ""
    except NotJson:
        return ""


def _said(raw: msgspec.Raw, bot_id: int) -> Quoted:
    try:
        replied = _replied(raw)
    except NotJson:
        return Quoted()
    text = written(replied.text, replied.entities) or written(replied.caption, replied.caption_entities)
    ours = replied.from_ is not None and replied.from_.id == bot_id
    who, user = "", None
    if replied.sender_chat is not None:
        who, user = _clean(replied.sender_chat.title), replied.sender_chat.id
    elif replied.from_ is not None:
        who, user = replied.from_.shown(), replied.from_.id
    theirs = not there(replied.forward_origin) and not there(replied.via_bot)
    return Quoted(
        text=_clean(text or _media(raw))[:QUOTED_MAX],
        sender="" if ours else who,
        user=str(user) if user is not None and theirs and not ours else None,
        ours=ours,
    )


def _elsewhere(raw: msgspec.Raw) -> Quoted:
    try:
        return Quoted(text=_media(raw), sender=_external(raw).origin.shown())
    except NotJson:
        return Quoted()


def _media(raw: msgspec.Raw) -> str:
    try:
        return media_line(_fields(raw))
    except (NotForUs, Unsupported, NotJson):
        return ""


def _clean(text: str) -> str:
    return text.replace("\x00", "").strip()
