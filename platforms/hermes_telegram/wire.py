"""Update JSON -> our values. Pure. The shapes are those of https://core.telegram.org/bots/api#available-types.

Updates are decoded one by one: what is wrong with one does not touch its neighbours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import msgspec

from hermes_telegram.answer import ANSWER_BYTES_MAX
from hermes_telegram.broken_json import mended
from hermes_telegram.content import NotForUs, Unsupported, media_line
from hermes_telegram.context import NOTHING, Place, forwarded_from, quoted, there
from hermes_telegram.entities import Entity, User
from hermes_telegram.mentions import Spoken, listen
from hermes_trio import Address, ForeignJson, Message, Moved, NotJson, Quoted, Undecodable

UPDATE_BYTES_MAX = 1024 * 1024
"""Of one update; a larger one is kept as one that could not be decoded."""

BATCH_BYTES = 64 * 1024
"""Of so much, or of one update, a batch is made: a poll's hundred are neither read nor kept in one go."""

GENERAL_TOPIC = 1
"""Sends to a forum's General topic must not name it: "message thread not found"."""


DIRECT = "direct/"
"""How the thread of a person's direct messages to a channel begins: these have numbers of their own."""


class Me(msgspec.Struct, frozen=True):
    """The bot itself, from getMe."""

    id: int
    username: str = ""


class Chat(msgspec.Struct):
    """Where a message is."""

    id: int
    type: str


class DirectTopic(msgspec.Struct):
    """One person's direct messages to a channel."""

    topic_id: int


class Replied(msgspec.Struct, rename={"from_": "from"}):
    """The message that is replied to."""

    message_id: int
    from_: User | None = None
    forum_topic_created: object = None


class TextMessage(msgspec.Struct, rename={"from_": "from"}):
    """What we read of a message. Media are looked at only in a message without text."""

    message_id: int
    chat: Chat
    date: int = 0
    from_: User | None = None
    message_thread_id: int | None = None
    is_topic_message: bool = False
    direct_messages_topic: DirectTopic | None = None
    text: str | None = None
    entities: list[Entity] = []
    caption: str | None = None
    caption_entities: list[Entity] = []
    reply_to_message: Replied | None = None
    media_group_id: str | None = None
    sender_chat: Place | None = None
    external_reply: msgspec.Raw = NOTHING
    quote: msgspec.Raw = NOTHING
    forward_origin: msgspec.Raw = NOTHING
    via_bot: msgspec.Raw = NOTHING
    migrate_to_chat_id: int | None = None
    migrate_from_chat_id: int | None = None


class Button(msgspec.Struct):
    """A button below a message."""

    text: str = ""
    callback_data: str | None = None


class Keyboard(msgspec.Struct):
    """The buttons below a message, in rows."""

    inline_keyboard: list[list[Button]] = []


class Prompted(msgspec.Struct):
    """The message whose button was pressed. Of an old one only chat and id are left."""

    message_id: int
    chat: Chat
    message_thread_id: int | None = None
    is_topic_message: bool = False
    direct_messages_topic: DirectTopic | None = None
    reply_markup: Keyboard | None = None


class Press(msgspec.Struct, rename={"from_": "from"}):
    """A callback query: somebody pressed a button."""

    id: str
    from_: User
    message: Prompted | None = None
    data: str | None = None


class Update(msgspec.Struct):
    """An update of one of the two kinds we ask for, or of another."""

    update_id: int
    message: TextMessage | None = None
    callback_query: Press | None = None


class _Numbered(msgspec.Struct):
    update_id: int


class _RawMessage(msgspec.Struct):
    message: dict[str, msgspec.Raw]


class _WholeMessage(msgspec.Struct):
    message: msgspec.Raw


class Batch(msgspec.Struct, frozen=True):
    """What one poll gave, or a part of it.

    Args:
        updates: for the intake, in order; none where all were nothing to us.
        presses: ids of callback queries that wait for an answer.
        cursor: the offset that confirms all up to here, None if none had a number.
    """

    updates: Sequence[Message | Undecodable | Moved]
    presses: Sequence[str]
    cursor: str | None


_split: ForeignJson[list[msgspec.Raw]] = ForeignJson(list[msgspec.Raw], most_bytes=ANSWER_BYTES_MAX)
_update: ForeignJson[Update] = ForeignJson(Update, most_bytes=UPDATE_BYTES_MAX)
_numbered: ForeignJson[_Numbered] = ForeignJson(_Numbered, most_bytes=UPDATE_BYTES_MAX)
_whole_message: ForeignJson[_WholeMessage] = ForeignJson(_WholeMessage, most_bytes=UPDATE_BYTES_MAX)
_raw_message: ForeignJson[_RawMessage] = ForeignJson(_RawMessage, most_bytes=UPDATE_BYTES_MAX)


def decode_batches(result: bytes | msgspec.Raw, *, account: str, me: Me) -> Iterator[Batch]:
    """Decode the result of getUpdates, batch by batch, each when it is asked for.

    Raises:
        NotJson: it is not an array.
    """
    updates: list[Message | Undecodable | Moved] = []
    presses: list[str] = []
    cursor: str | None = None
    size = 0
    for raw in map(bytes, _split(result)):
        if cursor is not None and 0 < size > BATCH_BYTES - len(raw):
            yield Batch(updates, presses, cursor)
            updates, presses, size = [], [], 0
        size += len(raw)
        value, number, press = decode_update(raw, account=account, me=me)
        if value is not None:
            updates.append(value)
        if press is not None:
            presses.append(press)
        if number is not None:
            # Not max(): after a quiet week Telegram may number from a lower id on.
            cursor = str(number + 1)
    if size:
        yield Batch(updates, presses, cursor)


def decode_update(
    raw: bytes, *, account: str, me: Me
) -> tuple[Message | Undecodable | Moved | None, int | None, str | None]:
    """Decode one update: its value (None: nothing to us), its number, the id of its callback query."""
    try:
        update = _update(raw)
    except NotJson as error:
        if len(raw) <= UPDATE_BYTES_MAX and (whole := mended(raw)) != raw:
            return decode_update(whole, account=account, me=me)
        number = _number(raw)
        return Undecodable(native=_native(raw, number), why=str(error), raw=raw), number, None
    press = None if update.callback_query is None else update.callback_query.id
    try:
        return _value(update, raw, account, me), update.update_id, press
    except NotForUs:
        return None, update.update_id, press
    except Unsupported as error:
        native = _native(raw, update.update_id)
        return Undecodable(native=native, why=str(error), raw=raw), update.update_id, press


def _value(update: Update, raw: bytes, account: str, me: Me) -> Message | Moved:
    if update.message is not None and (moved := _moved(update.message)) is not None:
        return moved
    if update.message is not None:
        return _message(update.message, raw, account, me)
    if update.callback_query is not None:
        return _press(update.callback_query, raw, account)
    raise NotForUs


def _moved(message: TextMessage) -> Moved | None:
    """A group became a supergroup, which is another chat: said in both."""
    here, native = message.chat.id, f"{message.chat.id}/{message.message_id}"
    if message.migrate_to_chat_id is not None:
        return Moved(native=native, chat=str(here), becomes=str(message.migrate_to_chat_id))
    if message.migrate_from_chat_id is not None:
        return Moved(native=native, chat=str(message.migrate_from_chat_id), becomes=str(here))
    return None


def _number(raw: bytes) -> int | None:
    try:
        return _numbered(raw).update_id
    except NotJson:
        return None


def _native(raw: bytes, number: int | None) -> str:
    return f"update/{hashlib.sha256(raw).hexdigest()[:32] if number is None else number}"


def _message(message: TextMessage, raw: bytes, account: str, me: Me) -> Message:
    chat = message.chat
    if chat.type == "channel":
        raise NotForUs
    spoken = _spoken(message, raw, me)
    replied = message.reply_to_message
    if replied is not None and _is_topic_root(message, replied):
        replied = None
    sender = _sender(message)
    private = chat.type == "private"
    to_bot = replied is not None and replied.from_ is not None and replied.from_.id == me.id
    return Message(
        native=f"{chat.id}/{message.message_id}",
        address=_address(account, message, sender),
        forwarded=forwarded_from(message.forward_origin, message.via_bot),
        quoted=_quoted(message, replied, raw, me),
        text=spoken.text,
        message_id=str(message.message_id),
        private=private,
        sender="" if sender is None else sender.shown(),
        addressed=private or spoken.to_us or (to_bot and not spoken.to_another),
        bot=sender is not None and sender.is_bot,
        replies_to=None if replied is None else str(replied.message_id),
        album=message.media_group_id,
        sent_at=float(message.date),
        raw=raw,
    )


def _sender(message: TextMessage) -> User | None:
    """Who speaks. What is said in the name of a chat (by an anonymous admin of a group, by a channel) is said
    by that chat: the account that Telegram puts in its place is everybody's.
    """
    chat = message.sender_chat
    return message.from_ if chat is None else User(id=chat.id, first_name=chat.title)


def _quoted(message: TextMessage, replied: Replied | None, raw: bytes, me: Me) -> Quoted | None:
    if replied is None and not there(message.external_reply) and not there(message.quote):
        return None
    return quoted(_whole_message(raw).message, me.id)


def _spoken(message: TextMessage, raw: bytes, me: Me) -> Spoken:
    if message.text is not None:
        return listen(message.text, message.entities, me.id, me.username)
    line = media_line(_raw_message(raw).message)
    spoken = listen(message.caption or "", message.caption_entities, me.id, me.username)
    spoken.text = f"{spoken.text}\n{line}" if spoken.text else line
    return spoken


def _is_topic_root(message: TextMessage, replied: Replied) -> bool:
    """Every message of a topic "replies" to the service message that made the topic, often our own."""
    return replied.forum_topic_created is not None or (
        message.is_topic_message and replied.message_id == message.message_thread_id
    )


def _thread(message: TextMessage | Prompted) -> str | None:
    if message.direct_messages_topic is not None:
        return f"{DIRECT}{message.direct_messages_topic.topic_id}"
    thread = message.message_thread_id
    # Ordinary groups number reply chains in the same field; those are no topics.
    topic = thread is not None and message.is_topic_message and thread != GENERAL_TOPIC
    return str(thread) if topic else None


def _address(account: str, message: TextMessage | Prompted, user: User | None) -> Address:
    return Address(
        platform="telegram",
        account=account,
        chat=str(message.chat.id),
        thread=_thread(message),
        user=None if user is None else str(user.id),
    )


def _press(press: Press, raw: bytes, account: str) -> Message:
    prompt = press.message
    if prompt is None or press.data is None:
        raise Unsupported("a press on a button that is not ours")
    return Message(
        native=f"callback/{press.id}",
        address=_address(account, prompt, press.from_),
        text=_label(prompt, press.data),
        message_id=str(prompt.message_id),
        private=prompt.chat.type == "private",
        sender=press.from_.shown(),
        bot=press.from_.is_bot,
        replies_to=str(prompt.message_id),
        choice=press.data,
        raw=raw,
    )


def _label(prompt: Prompted, data: str) -> str:
    rows = prompt.reply_markup.inline_keyboard if prompt.reply_markup is not None else []
    label = next((button.text for row in rows for button in row if button.callback_data == data), data)
    return label.replace("\x00", "")
